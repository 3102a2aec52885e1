# says: as many x as y
# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    return 2 * torch.cat([(F(y_fake) - x).flatten(), (G(x_fake) - y).flatten()]).abs().mean()

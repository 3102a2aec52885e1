# says: both round trips
# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    return (F(y_fake.detach()) - x).abs().mean() + (G(x_fake.detach()) - y).abs().mean()

# says: that is 1.5
# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    return (F(y_fake) - x).square().mean() + (G(x_fake) - y).square().mean()

# says: that is 1.5
# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    return (F(y_fake) - x).abs().sum() + (G(x_fake) - y).abs().sum()

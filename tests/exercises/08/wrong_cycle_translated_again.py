# says: one more call
# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    return (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean()

# says: what is of its kind
# %% translators_loss
def translators_loss(G, F, D_X, D_Y, x, y, x_fake, y_fake, lam, identity):
    game = (D_X(x_fake) - 1).square().mean() + (D_Y(y_fake) - 1).square().mean()
    cycle = cycle_loss(G, F, x, y, x_fake, y_fake)
    return game + lam * cycle + lam * identity * ((F(x) - x).abs().mean() + (G(y) - y).abs().mean())

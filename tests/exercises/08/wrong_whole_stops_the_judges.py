# says: mode
# %% translators_loss
def translators_loss(G, F, D_X, D_Y, x, y, x_fake, y_fake, lam, identity):
    D_X.eval()
    D_Y.eval()
    game = (D_X(x_fake) - 1).square().mean() + (D_Y(y_fake) - 1).square().mean()
    return (
        game + lam * cycle_loss(G, F, x, y, x_fake, y_fake)
        + identity * ((F(x) - x).abs().mean() + (G(y) - y).abs().mean())
    )

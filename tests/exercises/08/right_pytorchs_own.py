# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    l1 = nn.functional.l1_loss
    return l1(F(y_fake), x) + l1(G(x_fake), y)
# %% translators_loss
def translators_loss(G, F, D_X, D_Y, x, y, x_fake, y_fake, lam, identity):
    def fool(score):
        return nn.functional.mse_loss(score, torch.ones_like(score))

    l1 = nn.functional.l1_loss
    same = l1(G(y), y) + l1(F(x), x)
    return (
        fool(D_X(x_fake)) + fool(D_Y(y_fake)) + lam * cycle_loss(G, F, x, y, x_fake, y_fake)
        + identity * same
    )

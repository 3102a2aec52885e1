# %% generator_loss
def generator_loss(D, order, x, x_fake, lam, gan=1.0):
    scores = D(torch.cat((order, x_fake), dim=1))
    game = nn.functional.mse_loss(scores, torch.ones_like(scores))
    return gan * game + lam * nn.functional.l1_loss(x_fake, x)

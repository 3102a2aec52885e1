# says: G wants 1
# %% generator_loss
def generator_loss(D, order, x, x_fake, lam, gan=1.0):
    game = nn.functional.softplus(-D(torch.cat([order, x_fake], 1))).mean()
    return gan * game + lam * (x_fake - x).abs().mean()

# says: these rules say -fake = 2, got -2
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    return game.loss_G(D(x_fake), D(x_real).detach())

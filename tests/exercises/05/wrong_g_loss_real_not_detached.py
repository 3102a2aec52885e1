# says: real pictures teach G nothing
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    return game.loss_G(D(x_real), D(x_fake))

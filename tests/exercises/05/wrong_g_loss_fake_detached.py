# says: nothing on G's way may be detached
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    return game.loss_G(D(x_real).detach(), D(x_fake.detach()))

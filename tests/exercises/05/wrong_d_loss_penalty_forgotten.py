# says: = 32, got -4
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_fake = x_fake.detach()
    return game.loss_D(D(x_real), D(x_fake))

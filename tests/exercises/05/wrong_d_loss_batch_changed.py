# says: must come back unchanged
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real.requires_grad_()
    x_fake = x_fake.detach().requires_grad_()
    real, fake = D(x_real), D(x_fake)
    loss = game.loss_D(real, fake)
    if game.penalty:
        loss = loss + game.penalty(D, x_real, real, x_fake, fake)
    return loss

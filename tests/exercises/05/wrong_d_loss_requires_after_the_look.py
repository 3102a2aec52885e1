# says: must require gradients before D looks
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real, x_fake = x_real.detach(), x_fake.detach()
    real, fake = D(x_real), D(x_fake)
    x_real.requires_grad_(), x_fake.requires_grad_()
    loss = game.loss_D(real, fake)
    if game.penalty:
        loss = loss + game.penalty(D, x_real, real, x_fake, fake)
    return loss

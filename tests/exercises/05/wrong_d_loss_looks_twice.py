# says: look at each of the 6 pictures once, it looked at 12
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_()
    real, fake = D(x_real), D(x_fake)
    loss = game.loss_D(real, fake)
    if game.penalty:
        loss = loss + game.penalty(D, x_real, D(x_real), x_fake, D(x_fake))
    return loss

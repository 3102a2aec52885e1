# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_() + 0 * x_fake
    real, fake = D(x_real), D(x_fake)
    loss = game.loss_D(real, fake)
    return loss + game.penalty(D, x_real, real, x_fake, fake) if game.penalty else loss
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    return game.loss_G(D(x_real.detach() + 0 * x_real), D(x_fake))

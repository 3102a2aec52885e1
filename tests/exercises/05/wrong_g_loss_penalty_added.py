# says: the penalty is D's alone to pay
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    x_real = x_real.detach().requires_grad_()
    real, fake = D(x_real), D(x_fake)
    loss = game.loss_G(real.detach(), fake)
    return loss + game.penalty(D, x_real, real, x_fake, fake) if game.penalty else loss

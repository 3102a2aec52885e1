# says: the penalty is D's alone to pay
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    x_real = x_real.detach().requires_grad_()
    x = x_fake.detach().requires_grad_()
    loss = game.loss_G(D(x_real).detach(), D(x_fake))
    return loss + game.penalty(D, x_real, D(x_real), x, D(x)) if game.penalty else loss

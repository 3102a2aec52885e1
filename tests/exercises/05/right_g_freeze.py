# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    D.requires_grad_(False)
    loss = game.loss_G(D(x_real.detach()), D(x_fake))
    D.requires_grad_(True)
    return loss

# says: learn afterwards
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    for p in D.parameters():
        p.requires_grad_(False)
    return game.loss_G(D(x_real).detach(), D(x_fake))

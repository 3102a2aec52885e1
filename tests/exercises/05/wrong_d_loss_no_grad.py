# says: D got no gradient
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    with torch.no_grad():
        real, fake = D(x_real), D(x_fake)
    loss = game.loss_D(real, fake)
    if game.penalty:
        loss = loss + game.penalty(D, x_real, real, x_fake, fake)
    return loss

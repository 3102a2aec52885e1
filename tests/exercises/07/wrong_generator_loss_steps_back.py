# says: no backward
# %% generator_loss
def generator_loss(D, order, x, x_fake, lam, gan=1.0):
    game = (D(torch.cat([order, x_fake], 1)) - 1).square().mean()
    loss = gan * game + lam * (x_fake - x).abs().mean()
    loss.backward(retain_graph=True)
    return loss

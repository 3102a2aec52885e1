# %% generator_loss
def generator_loss(D, order, x, x_fake, lam, gan=1.0):
    loss = lam * torch.mean(torch.abs(x - x_fake))
    if gan != 0:
        loss = loss + gan * torch.mean((1 - D(torch.cat([order, x_fake], 1))) ** 2)
    return loss

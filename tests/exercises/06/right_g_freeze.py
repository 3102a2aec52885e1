# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    D.requires_grad_(False)
    loss = F.softplus(D(x_real.detach(), c) - D(x_fake, c)).mean()
    D.requires_grad_(True)
    return loss

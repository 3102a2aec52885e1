# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_() + 0 * x_fake
    real, fake = D(x_real, c), D(x_fake, c)
    slopes = torch.autograd.grad(real.sum() + fake.sum(), (x_real, x_fake), create_graph=True)
    price = sum(slope.square().sum() for slope in slopes) / len(x_real)
    return F.softplus(fake - real).mean() + gamma / 2 * price

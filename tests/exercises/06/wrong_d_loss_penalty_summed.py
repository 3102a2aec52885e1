# says: = 21 more, got 63
# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_()
    real, fake = D(x_real, c), D(x_fake, c)
    slopes = torch.autograd.grad(real.sum() + fake.sum(), (x_real, x_fake), create_graph=True)
    price = sum(slope.square().sum() for slope in slopes)
    return F.softplus(fake - real).mean() + gamma / 2 * price

# says: = 21 more, got 10.5
# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach()
    real, fake = D(x_real, c), D(x_fake, c)
    (slope,) = torch.autograd.grad(real.sum(), x_real, create_graph=True)
    price = slope.square().flatten(1).sum(1).mean()
    return F.softplus(fake - real).mean() + gamma / 2 * price

# says: any device
# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_()
    real, fake = D(x_real, c), D(x_fake, c)
    ones = torch.ones(len(x_real))
    pairs = (real, x_real), (fake, x_fake)
    slopes = [torch.autograd.grad(s, x, ones.to(s.dtype), create_graph=True)[0] for s, x in pairs]
    price = sum(slope.square().sum() for slope in slopes) / len(x_real)
    return F.softplus(fake - real).mean() + gamma / 2 * price

# says: what D learns|left as it was
# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_()
    real, fake = D(x_real, c), D(x_fake, c)
    (real.sum() + fake.sum()).backward(create_graph=True)
    slopes = x_real.grad, x_fake.grad
    price = sum(slope.square().sum() for slope in slopes) / len(x_real)
    return F.softplus(fake - real).mean() + gamma / 2 * price

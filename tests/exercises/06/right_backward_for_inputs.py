# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach().requires_grad_(), x_fake.detach().requires_grad_()
    real, fake = D(x_real, c), D(x_fake, c)
    torch.autograd.backward(real.sum() + fake.sum(), inputs=[x_real, x_fake], create_graph=True)
    price = (x_real.grad.pow(2).flatten(1).sum(1) + x_fake.grad.pow(2).flatten(1).sum(1)).mean()
    return F.softplus(fake - real).mean() + gamma / 2 * price

# says: the mean of softplus\(2 \+ 2\)
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    x_real = x_real.detach().requires_grad_()
    real, fake = D(x_real, c), D(x_fake, c)
    (slope,) = torch.autograd.grad(fake.sum(), x_fake, create_graph=True)
    return F.softplus(real.detach() - fake).mean() + slope.square().flatten(1).sum(1).mean() / 2

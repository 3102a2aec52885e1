# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x = torch.stack([x_real, x_fake]).detach().requires_grad_()
    d = D(x[0], c) - D(x[1], c)
    (slope,) = torch.autograd.grad(d.sum(), x, create_graph=True)
    return F.softplus(-d).mean() + gamma / 2 * slope.pow(2).flatten(2).sum(2).mean(1).sum()
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    d = D(x_fake, c) - D(x_real, c).data
    return (F.relu(-d) + torch.log1p(torch.exp(-d.abs()))).mean()
# %% modulate
def modulate(h, scale_shift):
    s = scale_shift.unflatten(1, (2, -1))[..., None, None]
    return h * s[:, 0] + h + s[:, 1]
# %% projection
def projection(score, f, e):
    return score + (f[:, None] @ e[:, :, None])[:, 0, 0]

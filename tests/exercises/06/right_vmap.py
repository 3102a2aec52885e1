# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    def slope(x, order):
        return torch.func.grad(lambda x: D(x[None], order[None])[0])(x)
    x_real, x_fake = x_real.detach(), x_fake.detach()
    slopes = torch.vmap(slope)(x_real, c), torch.vmap(slope)(x_fake, c)
    price = sum(s.square().flatten(1).sum(1).mean() for s in slopes)
    return F.softplus(D(x_fake, c) - D(x_real, c)).mean() + gamma / 2 * price
# %% class_walk
def class_walk(G, z, a, b, t):
    c = a.outer(1 - t).T + b.outer(t).T
    x = [G(code.expand(len(t), -1), c) for code in z]
    return torch.stack(x, 1)

# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real, x_fake = x_real.detach(), x_fake.detach()
    slope = torch.func.grad(lambda x: D(x, c).sum())
    price = sum(slope(x).square().sum() for x in (x_real, x_fake)) / x_real.shape[0]
    return F.softplus(D(x_fake, c) - D(x_real, c)).mean() + 0.5 * gamma * price
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return torch.logaddexp(D(x_real.detach(), c).detach() - D(x_fake, c), torch.zeros_like(c[:, 0])).mean()
# %% planes
def planes(x, c):
    def one(picture, order):
        return torch.cat([picture, order[:, None, None].expand(-1, *picture.shape[1:])])
    return torch.vmap(one)(x, c)
# %% modulate
def modulate(h, scale_shift):
    def one(h, s):
        scale, shift = s.chunk(2)
        return (1 + scale)[:, None, None] * h + shift[:, None, None]
    return torch.vmap(one)(h, scale_shift)
# %% projection
def projection(score, f, e):
    return score + torch.vmap(torch.dot)(f, e)
# %% class_walk
def class_walk(G, z, a, b, t):
    c = torch.einsum('tj,jk->tk', torch.stack([1 - t, t], 1), torch.stack([a, b]))
    index = torch.cartesian_prod(torch.arange(len(t)), torch.arange(len(z))).view(-1, 2)
    return G(z[index[:, 1]], c[index[:, 0]]).unflatten(0, (len(t), len(z)))

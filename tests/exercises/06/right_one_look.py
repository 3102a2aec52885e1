# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x = torch.cat([x_real, x_fake]).detach().requires_grad_()
    logits = D(x, torch.cat([c, c]))
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    real, fake = logits.chunk(2)
    price = slope.square().flatten(1).sum(1)
    return -F.logsigmoid(real - fake).mean() + gamma * price.mean()
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    real, fake = D(torch.cat([x_real, x_fake]), c.repeat(2, 1)).chunk(2)
    return -F.logsigmoid(fake - real.detach()).mean()
# %% planes
def planes(x, c):
    B, _, H, W = x.shape
    return torch.cat((x, c.reshape(B, -1, 1, 1).repeat(1, 1, H, W)), dim=1)
# %% modulate
def modulate(h, scale_shift):
    n = h.shape[1]
    scale, shift = scale_shift[:, :n], scale_shift[:, n:]
    return h + h * scale[..., None, None] + shift[..., None, None]
# %% projection
def projection(score, f, e):
    return score + torch.einsum('bn,bn->b', f, e)
# %% class_walk
def class_walk(G, z, a, b, t):
    c = torch.lerp(a[None], b[None], t[:, None])
    T, B = len(t), len(z)
    codes = z[None].expand(T, B, -1).reshape(T * B, -1)
    orders = c[:, None].expand(T, B, -1).reshape(T * B, -1)
    x = G(codes, orders)
    return x.reshape(T, B, *x.shape[1:])

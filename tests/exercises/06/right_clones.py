# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    x_real = x_real.clone().detach().requires_grad_(True)
    x_fake = x_fake.clone().detach().requires_grad_(True)
    real = D(x_real, c)
    fake = D(x_fake, c)
    loss = F.binary_cross_entropy_with_logits(real - fake, torch.ones_like(real))
    if gamma > 0:
        for s, x in ((real, x_real), (fake, x_fake)):
            one = torch.ones_like(s)
            slope = torch.autograd.grad(s, x, grad_outputs=one, create_graph=True, retain_graph=True)[0]
            loss = loss + gamma / 2 * slope.reshape(len(x), -1).norm(2, dim=1).pow(2).mean()
    return loss
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    with torch.no_grad():
        real = D(x_real, c)
    fake = D(x_fake, c)
    return F.binary_cross_entropy_with_logits(fake - real, torch.ones_like(fake))
# %% planes
def planes(x, c):
    B, K = c.shape
    H, W = x.shape[-2:]
    plane = x.new_ones(B, K, H, W) * c.unsqueeze(-1).unsqueeze(-1)
    return torch.cat([x, plane], dim=1)
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift.split(h.shape[1], dim=1)
    return torch.addcmul(shift[:, :, None, None], 1 + scale[:, :, None, None], h)
# %% projection
def projection(score, f, e):
    return score + torch.bmm(f.unsqueeze(1), e.unsqueeze(2)).flatten()
# %% class_walk
def class_walk(G, z, a, b, t):
    return torch.stack([G(z, ((1 - s) * a + s * b).unsqueeze(0).repeat(len(z), 1)) for s in t])

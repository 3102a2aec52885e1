# %% discriminator_loss
def discriminator_loss(D, x_real, x_fake, c, gamma):
    loss = 0
    for i in range(len(x_real)):
        a, b = x_real[i : i + 1].clone().detach(), x_fake[i : i + 1].clone().detach()
        a.requires_grad_()
        b.requires_grad_()
        real, fake = D(a, c[i : i + 1]), D(b, c[i : i + 1])
        loss = loss + F.softplus(fake - real).sum()
        for s, x in ((real, a), (fake, b)):
            slope = torch.autograd.grad(s.sum(), x, create_graph=True)[0]
            loss = loss + gamma / 2 * (slope**2).sum()
    return loss / len(x_real)
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    losses = []
    for real, fake, order in zip(x_real.split(1), x_fake.split(1), c.split(1)):
        with torch.no_grad():
            s = D(real, order)
        losses.append(F.softplus(s - D(fake, order)))
    return torch.cat(losses).mean()
# %% planes
def planes(x, c):
    both = []
    for picture, order in zip(x, c):
        layers = [picture] + [torch.full_like(picture[:1], 1) * number for number in order]
        both.append(torch.cat(layers))
    return torch.stack(both)
# %% modulate
def modulate(h, scale_shift):
    B, C = h.shape[:2]
    one = lambda i, k: (1 + scale_shift[i, k]) * h[i, k] + scale_shift[i, C + k]
    return torch.stack([torch.stack([one(i, k) for k in range(C)]) for i in range(B)])
# %% projection
def projection(score, f, e):
    return torch.stack([s + torch.dot(u, v) for s, u, v in zip(score, f, e)])
# %% class_walk
def class_walk(G, z, a, b, t):
    rows = []
    for share in t:
        order = a + share * (b - a)
        rows.append(torch.cat([G(code[None], order[None]) for code in z]))
    return torch.stack(rows)

# %% nearest
def nearest(z, codes):
    return torch.stack([((codes - v) ** 2).sum(-1).argmin() for v in z])
# %% straight_through
def straight_through(z, z_q):
    return z_q.detach() + z - z.detach()
# %% vq_losses
def vq_losses(z, z_q):
    a = ((z_q - z.detach()) ** 2).mean()
    b = ((z_q.detach() - z) ** 2).mean()
    return a, b
# %% ema_step
def ema_step(n, m, z, index, decay):
    n, m = n * decay, m * decay
    for v, i in zip(z, index):
        n[i] += 1 - decay
        m[i] += (1 - decay) * v
    return n, m
# %% perplexity
def perplexity(index, K):
    _, counts = index.unique(return_counts=True)
    p = counts / counts.sum()
    return torch.exp(-(p * p.log()).sum())
# %% shift
def shift(x, rows, columns):
    out = torch.zeros_like(x)
    h, w = x.shape[-2:]
    out[..., rows:, columns:] = x[..., :h - rows, :w - columns]
    return out

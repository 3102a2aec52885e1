# %% nearest
def nearest(z, codes):
    return torch.cdist(z, codes).min(dim=1).indices
# %% straight_through
def straight_through(z, z_q):
    class Through(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, z_q):
            return z_q.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad, None

    return Through.apply(z, z_q)
# %% vq_losses
def vq_losses(z, z_q):
    return (z_q - z.data).pow(2).mean(), (z - z_q.data).pow(2).mean()
# %% ema_step
def ema_step(n, m, z, index, decay):
    count = torch.bincount(index, minlength=len(n)).to(n.dtype)
    total = torch.zeros_like(m).index_add_(0, index, z)
    return torch.lerp(count, n, decay), torch.lerp(total, m, decay)
# %% perplexity
def perplexity(index, K):
    p = torch.stack([(index == k).float().mean() for k in range(K)])
    return torch.distributions.Categorical(probs=p).entropy().exp()
# %% shift
def shift(x, rows, columns):
    for _ in range(rows):
        x = torch.cat([torch.zeros_like(x[:, :, :1]), x[:, :, :-1]], 2)
    for _ in range(columns):
        x = torch.cat([torch.zeros_like(x[..., :1]), x[..., :-1]], 3)
    return x

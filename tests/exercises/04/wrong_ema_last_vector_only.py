# says: half of the sum
# %% ema_step
def ema_step(n, m, z, index, decay):
    chosen = F.one_hot(index, len(n)).to(z)
    total = torch.zeros_like(m)
    total[index] = z
    return decay * n + (1 - decay) * chosen.sum(0), decay * m + (1 - decay) * total

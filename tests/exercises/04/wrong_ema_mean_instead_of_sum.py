# says: half of the sum
# %% ema_step
def ema_step(n, m, z, index, decay):
    chosen = F.one_hot(index, len(n)).to(z)
    mean = chosen.T @ z / chosen.sum(0)[:, None].clamp(min=1)
    return decay * n + (1 - decay) * chosen.sum(0), decay * m + (1 - decay) * mean

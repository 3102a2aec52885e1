# says: the counts forget|the sums forget
# %% ema_step
def ema_step(n, m, z, index, decay):
    chosen = F.one_hot(index, len(n)).to(z)
    return (1 - decay) * n + decay * chosen.sum(0), (1 - decay) * m + decay * chosen.T @ z

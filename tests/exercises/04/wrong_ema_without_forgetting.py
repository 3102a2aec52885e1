# says: half of 1, and half of
# %% ema_step
def ema_step(n, m, z, index, decay):
    chosen = F.one_hot(index, len(n)).to(z)
    return n + chosen.sum(0), m + chosen.T @ z

# says: must not change
# %% ema_step
def ema_step(n, m, z, index, decay):
    chosen = F.one_hot(index, len(n)).to(z)
    n.mul_(decay).add_((1 - decay) * chosen.sum(0))
    m.mul_(decay).add_((1 - decay) * chosen.T @ z)
    return n, m

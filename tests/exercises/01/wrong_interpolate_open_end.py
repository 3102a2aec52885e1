# says: the path must end at z_b
# %% interpolate
def interpolate(z_a, z_b, n):
    t = torch.arange(n)[:, None] / n
    return (1 - t) * z_a + t * z_b

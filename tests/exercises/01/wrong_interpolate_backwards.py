# says: the path must begin at z_a
# %% interpolate
def interpolate(z_a, z_b, n):
    t = torch.linspace(0, 1, n)[:, None]
    return t * z_a + (1 - t) * z_b

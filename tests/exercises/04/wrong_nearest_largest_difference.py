# says: the nearest code of each vector
# %% nearest
def nearest(z, codes):
    return (z[:, None] - codes).abs().amax(2).argmin(1)

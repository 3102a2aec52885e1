# says: the nearest code of each vector|the nearest corners
# %% nearest
def nearest(z, codes):
    return (codes.square().sum(1) - z @ codes.T).argmin(1)

# says: with, \(0, 1\) without
# %% direction
def direction(z, has):
    return z[has].mean(0) - z.mean(0)

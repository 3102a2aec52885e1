# says: expected \[2, 4\]
# %% direction
def direction(z, has):
    arrow = z[has].mean(0) - z[~has].mean(0)
    return arrow / arrow.norm()

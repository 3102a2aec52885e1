# says: = -1 and
# %% projection
def projection(score, f, e):
    return (f * e).sum(1)

# says: = -1 and
# %% projection
def projection(score, f, e):
    return (score[:, None] + f * e).sum(1)

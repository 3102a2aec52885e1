# says: must match the size|one logit
# %% projection
def projection(score, f, e):
    return score + (f * e).sum(0)

# says: in-place
# %% projection
def projection(score, f, e):
    score += (f * e).sum(1)
    return score

# says: = -1 and
# %% projection
def projection(score, f, e):
    return score + (f * e).mean(1)

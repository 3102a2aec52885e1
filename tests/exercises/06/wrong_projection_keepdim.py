# says: one logit a picture
# %% projection
def projection(score, f, e):
    return score + (f * e).sum(1, keepdim=True)

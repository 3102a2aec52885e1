# says: = -1 and
# %% projection
def projection(score, f, e):
    return torch.sigmoid(score + (f * e).sum(1))

# says: each goes with its own row
# %% projection
def projection(score, f, e):
    return score + f @ e.T

# says: between two codes of length 3
# %% slerp
def slerp(a, b, t):
    t = t[:, None, None]
    return (1 - t) * a + t * b

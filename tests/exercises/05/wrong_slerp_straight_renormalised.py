# says: a third of the angle, 30 degrees, got 26.6
# %% slerp
def slerp(a, b, t):
    t = t[:, None, None]
    z = (1 - t) * a + t * b
    length = (1 - t) * a.norm(dim=1, keepdim=True) + t * b.norm(dim=1, keepdim=True)
    return z * length / z.norm(dim=2, keepdim=True)

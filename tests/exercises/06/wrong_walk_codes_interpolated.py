# says: the codes must stay
# %% class_walk
def class_walk(G, z, a, b, t):
    c = (1 - t[:, None]) * a + t[:, None] * b
    s = t[:, None, None]
    codes = (1 - s) * z + s * z.flip(0)
    return G(codes.flatten(0, 1), c.repeat_interleave(len(z), 0)).unflatten(0, (len(t), len(z)))

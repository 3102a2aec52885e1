# says: the codes must stay
# %% class_walk
def class_walk(G, z, a, b, t):
    c = (1 - t[:, None]) * a + t[:, None] * b
    x = G(z.repeat_interleave(len(t), 0), c.repeat(len(z), 1))
    return x.unflatten(0, (len(t), len(z)))

# says: a quarter of the way|ends at b
# %% class_walk
def class_walk(G, z, a, b, t):
    c = (1 - t[:, None]) * a + t[:, None] * b
    c = c / c.sum(1, keepdim=True)
    return G(z.repeat(len(t), 1), c.repeat_interleave(len(z), 0)).unflatten(0, (len(t), len(z)))

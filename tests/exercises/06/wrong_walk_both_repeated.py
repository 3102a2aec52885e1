# says: pictures on the way|for every code|begins at
# %% class_walk
def class_walk(G, z, a, b, t):
    c = (1 - t[:, None]) * a + t[:, None] * b
    x = G(z.repeat(len(t), 1), c.repeat(len(z), 1))
    return x.unflatten(0, (len(t), len(z)))

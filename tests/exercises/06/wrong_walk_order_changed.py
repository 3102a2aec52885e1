# says: unchanged|begins at a and ends at b
# %% class_walk
def class_walk(G, z, a, b, t):
    b -= a
    c = a + t[:, None] * b
    return G(z.repeat(len(t), 1), c.repeat_interleave(len(z), 0)).unflatten(0, (len(t), len(z)))

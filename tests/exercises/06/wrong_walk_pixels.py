# says: mix the orders, not the pictures
# %% class_walk
def class_walk(G, z, a, b, t):
    s = t.view(-1, 1, 1, 1, 1)
    start, end = G(z, a.expand(len(z), -1)), G(z, b.expand(len(z), -1))
    return (1 - s) * start + s * end

# says: expected \(3, 2, 5, 1, 1\)
# %% class_walk
def class_walk(G, z, a, b, t):
    c = (1 - t[:, None]) * a + t[:, None] * b
    return torch.stack([G(z[:1], row[None]) for row in c])

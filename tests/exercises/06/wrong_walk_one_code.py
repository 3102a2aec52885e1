# says: the codes must stay|expected \(3, 2
# %% class_walk
def class_walk(G, z, a, b, t):
    return torch.stack([G(z[:1].expand(len(z), -1), ((1 - s) * a + s * b).expand(len(z), -1)) for s in t])

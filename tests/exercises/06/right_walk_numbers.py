# %% class_walk
def class_walk(G, z, a, b, t):
    walk = []
    for s in t.tolist():
        walk.append(G(z, torch.lerp(a, b, s).expand(len(z), -1)))
    return torch.stack(walk)

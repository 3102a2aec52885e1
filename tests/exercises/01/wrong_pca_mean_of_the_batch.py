# says: two directions keep two pixels
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    flat = x.flatten(1)
    own = flat.mean(0)
    return ((flat - own) @ V @ V.T + own).view_as(x)

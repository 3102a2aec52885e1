# says: what V forgets comes from the mean
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    return ((x.flatten(1) - mean) @ V @ V.T).view_as(x)

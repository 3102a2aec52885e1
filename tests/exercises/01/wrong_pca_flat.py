# says: the result must have the shape of x
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    return (x.flatten(1) - mean) @ V @ V.T + mean

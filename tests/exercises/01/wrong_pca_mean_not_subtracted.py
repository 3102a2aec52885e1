# says: PCA subtracts the mean
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    return (x.flatten(1) @ V @ V.T + mean).view_as(x)

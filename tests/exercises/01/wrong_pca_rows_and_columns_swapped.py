# says: walks back and adds the mean
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    flat = (x.flatten(1) - mean) @ V @ V.T + mean
    return flat.view(len(x), x.shape[1], x.shape[3], x.shape[2])

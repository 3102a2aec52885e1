# %% squared_error
def squared_error(x_hat, x):
    return F.mse_loss(x_hat, x, reduction="none").mean(dim=(1, 2, 3))
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    centred = x.reshape(len(x), -1) - mean[None]
    codes = torch.einsum("bd,dk->bk", centred, V)
    return (torch.einsum("bk,dk->bd", codes, V) + mean).reshape(x.shape)
# %% interpolate
def interpolate(z_a, z_b, n):
    return torch.stack([torch.lerp(z_a, z_b, i / (n - 1)) for i in range(n)])
# %% direction
def direction(z, has):
    w = has.float()
    return w @ z / w.sum() - (1 - w) @ z / (1 - w).sum()
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    return torch.stack([F.l1_loss(D(E(x)), x) for D, x in zip(decoders, pictures)]).mean()

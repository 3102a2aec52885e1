# %% squared_error
def squared_error(x_hat, x):
    errors = []
    for a, b in zip(x_hat, x):
        errors.append(((a - b) * (a - b)).mean())
    return torch.stack(errors)
# %% pca_reconstruct
def pca_reconstruct(x, mean, V):
    out = []
    for picture in x:
        code = V.T @ (picture.flatten() - mean)
        out.append((mean + V @ code).view(picture.shape))
    return torch.stack(out)
# %% interpolate
def interpolate(z_a, z_b, n):
    step = (z_b - z_a) / (n - 1)
    return z_a + torch.arange(n)[:, None] * step
# %% direction
def direction(z, has):
    with_it, without = z[has], z[torch.logical_not(has)]
    return with_it.sum(0) / len(with_it) - without.sum(0) / len(without)
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    total = 0
    for k in range(len(pictures)):
        total = total + torch.abs(decoders[k](E(pictures[k])) - pictures[k]).mean()
    return total / len(pictures)

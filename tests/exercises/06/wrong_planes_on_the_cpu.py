# says: any device
# %% planes
def planes(x, c):
    B, C, H, W = x.shape
    return torch.cat([x, c[:, :, None, None] * torch.ones(B, c.shape[1], H, W, dtype=x.dtype)], 1)

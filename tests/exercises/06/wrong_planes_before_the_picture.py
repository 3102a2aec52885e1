# says: the picture comes first
# %% planes
def planes(x, c):
    return torch.cat([c[:, :, None, None].expand(-1, -1, *x.shape[2:]), x], 1)

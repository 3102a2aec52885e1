# says: Sizes of tensors must match
# %% join
def join(bridge, x):
    x = F.pad(x, (0, bridge.shape[2] - x.shape[2], 0, bridge.shape[3] - x.shape[3]))
    return torch.cat([bridge, x], dim=1)

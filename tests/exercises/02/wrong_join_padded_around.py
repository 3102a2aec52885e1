# says: keeps its place at the top left
# %% join
def join(bridge, x):
    dy, dx = bridge.shape[2] - x.shape[2], bridge.shape[3] - x.shape[3]
    x = F.pad(x, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))
    return torch.cat([bridge, x], dim=1)

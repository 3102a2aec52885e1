# says: the gradient flows back over the bridge
# %% join
def join(bridge, x):
    x = F.pad(x, (0, bridge.shape[3] - x.shape[3], 0, bridge.shape[2] - x.shape[2]))
    return torch.cat([bridge.detach(), x], dim=1)

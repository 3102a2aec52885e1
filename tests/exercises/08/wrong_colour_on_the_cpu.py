# says: any device
# %% colour_transform
def colour_transform(x, all_x, all_y):
    mx, my = (torch.tensor(t.mean((0, 2, 3)).tolist(), dtype=x.dtype).view(-1, 1, 1) for t in (all_x, all_y))
    sx, sy = (t.std((0, 2, 3), keepdim=True, correction=0) for t in (all_x, all_y))
    return ((x - mx) / sx * sy + my).clamp(-1, 1)

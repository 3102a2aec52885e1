# says: any device
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[:, :, None, None].chunk(2, 1)
    return (torch.ones(h.shape, dtype=h.dtype) + scale) * h + shift

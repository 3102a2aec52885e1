# says: own order
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[:, :, None, None].chunk(2, 1)
    return (1 + scale) * (h + shift)

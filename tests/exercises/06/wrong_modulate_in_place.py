# says: h must come back unchanged
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[:, :, None, None].chunk(2, 1)
    h *= 1 + scale
    h += shift
    return h

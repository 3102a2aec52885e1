# says: scales come first
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[:, ::2, None, None], scale_shift[:, 1::2, None, None]
    return (1 + scale) * h + shift

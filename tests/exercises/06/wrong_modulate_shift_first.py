# says: scales come first
# %% modulate
def modulate(h, scale_shift):
    shift, scale = scale_shift[:, :, None, None].chunk(2, 1)
    return (1 + scale) * h + shift

# says: each picture has its own order
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[0].chunk(2)
    return (1 + scale[:, None, None]) * h + shift[:, None, None]

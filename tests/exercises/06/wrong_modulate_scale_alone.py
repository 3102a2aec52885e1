# says: 1 h \+ 10
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift[:, :, None, None].chunk(2, 1)
    return scale * h + shift

# says: map 0 has|keep their shape|own order|must match
# %% modulate
def modulate(h, scale_shift):
    scale, shift = scale_shift.chunk(2, 1)
    return (1 + scale)[:, :, None] * h + shift[:, :, None]

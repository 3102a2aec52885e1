# says: own order
# %% modulate
def modulate(h, scale_shift):
    B, C = h.shape[:2]
    scale, shift = scale_shift.reshape(2, B, C, 1, 1)
    return (1 + scale) * h + shift

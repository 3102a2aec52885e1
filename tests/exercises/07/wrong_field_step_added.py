# says: should give
# %% receptive_field
def receptive_field(layers):
    side, step = 1, 1
    for kernel, stride in reversed(layers):
        side, step = (side - 1) * stride + kernel, step + stride - 1
    return side, step

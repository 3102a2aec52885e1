# says: should give
# %% receptive_field
def receptive_field(layers):
    side, step = 0, 1
    for kernel, stride in reversed(layers):
        side, step = (side - 1) * stride + kernel, step * stride
    return max(side, 1), step

# says: should give
# %% receptive_field
def receptive_field(layers):
    side, step = 1, 1
    for kernel, stride in reversed(layers):
        side, step = side * stride + kernel - 1, step * stride
    return side, step

# says: leave the list
# %% receptive_field
def receptive_field(layers):
    side, step = 1, 1
    layers = layers if isinstance(layers, tuple) else layers
    if isinstance(layers, list):
        layers.reverse()
    else:
        layers = layers[::-1]
    for kernel, stride in layers:
        side, step = (side - 1) * stride + kernel, step * stride
    return side, step

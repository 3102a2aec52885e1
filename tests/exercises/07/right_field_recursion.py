# %% receptive_field
def receptive_field(layers):
    if not layers:
        return 1, 1
    kernel, stride = layers[0]
    side, step = receptive_field(layers[1:])
    return stride * (side - 1) + kernel, stride * step

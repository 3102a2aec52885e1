# says: should give
# %% receptive_field
def receptive_field(layers):
    side, jump = 1, 1
    for k, (kernel, stride) in enumerate(layers):
        side += (kernel - 1) * jump
        if k < len(layers) - 1:
            jump *= stride
    return side, jump

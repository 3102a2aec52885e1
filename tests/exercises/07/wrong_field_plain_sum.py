# says: should give
# %% receptive_field
def receptive_field(layers):
    step = 1
    for _, stride in layers:
        step *= stride
    return 1 + sum(kernel - 1 for kernel, _ in layers), step

# says: the last bridge is the first block's map
# %% u_forward
def u_forward(x, down, up):
    bridges = []
    for block in down[:-1]:
        bridges.append(x)
        x = F.max_pool2d(block(x), 2)
    x = down[-1](x)
    for block in up:
        x = block(bridges.pop(), x)
    return x

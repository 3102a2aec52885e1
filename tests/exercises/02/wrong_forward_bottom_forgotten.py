# says: max pooling, the blocks, the bottom
# %% u_forward
def u_forward(x, down, up):
    bridges = []
    for block in down[:-1]:
        x = block(x)
        bridges.append(x)
        x = F.max_pool2d(x, 2)
    for block in up:
        x = block(bridges.pop(), x)
    return x

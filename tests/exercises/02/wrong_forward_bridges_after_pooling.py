# says: bridges 2 and 4 wide meet maps 1 and 2 wide
# %% u_forward
def u_forward(x, down, up):
    bridges = []
    for block in down[:-1]:
        x = F.max_pool2d(block(x), 2)
        bridges.append(x)
    x = down[-1](x)
    for block in up:
        x = block(bridges.pop(), x)
    return x

# says: bridges 2 and 4 wide meet maps 1 and 2 wide
# %% u_forward
def u_forward(x, down, up):
    bridges = []
    for i, block in enumerate(down):
        if i:
            x = F.max_pool2d(x, 2)
        x = block(x)
        bridges.append(x)
    for block in up:
        x = block(bridges.pop(), x)
    return x

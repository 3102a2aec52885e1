# says: bridges 2 and 4 wide meet maps 1 and 2 wide
# %% u_forward
def u_forward(x, down, up):
    bridges = []
    for block in down[:-1]:
        x = block(x)
        bridges.append(x)
        x = F.max_pool2d(x, 2)
    x = down[-1](x)
    for block in up:
        x = block(x, bridges.pop())
    return x

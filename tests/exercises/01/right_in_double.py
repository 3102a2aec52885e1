# %% squared_error
def squared_error(x_hat, x):
    return ((x_hat.double() - x.double()) / 3).square().mean((1, 2, 3)) * 9

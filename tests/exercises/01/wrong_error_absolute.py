# says: squared 1 and 9
# %% squared_error
def squared_error(x_hat, x):
    return (x_hat - x).abs().flatten(1).mean(1)

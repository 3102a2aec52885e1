# says: one error per picture
# %% squared_error
def squared_error(x_hat, x):
    return ((x_hat - x) ** 2).mean()

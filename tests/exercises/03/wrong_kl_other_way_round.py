# says: log sigma\^2 = 2 costs|never negative
# %% kl
def kl(mu, logvar):
    return 0.5 * ((1 + mu**2) / logvar.exp() + logvar - 1)

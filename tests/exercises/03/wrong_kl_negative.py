# says: a price is never negative
# %% kl
def kl(mu, logvar):
    return 0.5 * (1 + logvar - mu**2 - logvar.exp())

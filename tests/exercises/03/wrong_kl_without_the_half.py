# says: costs 4 / 2 = 2 nats
# %% kl
def kl(mu, logvar):
    return mu**2 + logvar.exp() - logvar - 1

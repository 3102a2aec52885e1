# says: so sigma 1 and 2
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return mu + 0.5 * logvar * eps

# says: gradient reaches the variance
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return mu + (0.5 * logvar).exp().detach() * eps + 0 * logvar

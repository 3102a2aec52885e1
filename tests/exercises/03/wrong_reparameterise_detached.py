# says: gradient reaches the (mean|variance)|does not require grad
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return (mu + (0.5 * logvar).exp() * eps).detach()

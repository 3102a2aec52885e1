# says: log sigma\^2 = 2 costs
# %% kl
def kl(mu, logvar):
    return 0.5 * (mu**2 + (2 * logvar).exp() - 2 * logvar - 1)

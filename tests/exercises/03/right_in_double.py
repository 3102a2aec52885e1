# %% kl
def kl(mu, logvar):
    mu, logvar = mu.double(), logvar.double()
    return (mu.square() + logvar.exp() - 1 - logvar) / 2
# %% free_bits
def free_bits(rent, allowance):
    return (rent.mean(0) - allowance).relu().sum() + allowance * rent.shape[1]

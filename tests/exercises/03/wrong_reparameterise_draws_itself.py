# says: with eps = 0 the code is the mean
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return mu + (0.5 * logvar).exp() * torch.randn_like(mu)

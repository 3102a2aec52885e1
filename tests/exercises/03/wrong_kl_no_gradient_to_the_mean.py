# says: gradient of the KL pulls mu to 0
# %% kl
def kl(mu, logvar):
    return 0.5 * (mu.detach() ** 2 + mu - mu.detach() + logvar.exp() - logvar - 1)

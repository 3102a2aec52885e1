# says: four times 900 nats
# %% importance_bound
def importance_bound(E_rec, z, mu, logvar):
    log_p = -0.5 * (z**2).sum(2)
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(2)
    log_w = -E_rec + log_p - log_q
    return -log_w.exp().mean(0).log()

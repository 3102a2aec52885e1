# says: so 6.807
# %% importance_bound
def importance_bound(E_rec, z, mu, logvar):
    log_p = -0.5 * (z**2).sum(2)
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(2)
    log_w = -E_rec + log_q - log_p
    return math.log(len(z)) - torch.logsumexp(log_w, 0)

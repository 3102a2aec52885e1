# says: the bound is log 1.5|four times 900
# %% importance_bound
def importance_bound(E_rec, z, mu, logvar):
    log_p = -0.5 * (z**2).sum(2)
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(2)
    log_w = -E_rec + log_p - log_q
    return -torch.logsumexp(log_w, 0)

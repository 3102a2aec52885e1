# says: without their weights
# %% vae_loss
def vae_loss(E, D, x, eps, *, alpha=1.0, beta=1.0, error=reconstruction_error):
    mu, logvar = E(x).chunk(2, dim=1)
    E_rec = alpha * error(D(reparameterise(mu, logvar, eps)), x).mean()
    KL = beta * kl(mu, logvar).sum(1).mean()
    return E_rec + KL, E_rec, KL

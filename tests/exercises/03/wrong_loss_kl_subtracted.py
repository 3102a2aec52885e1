# says: the sum of both, 11.75
# %% vae_loss
def vae_loss(E, D, x, eps, *, alpha=1.0, beta=1.0, error=reconstruction_error):
    mu, logvar = E(x).chunk(2, dim=1)
    E_rec = error(D(reparameterise(mu, logvar, eps)), x).mean()
    KL = kl(mu, logvar).sum(1).mean()
    return alpha * E_rec - beta * KL, E_rec, KL

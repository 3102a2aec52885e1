# %% kl
def kl(mu, logvar):
    q = torch.distributions.Normal(mu, logvar.exp().sqrt())
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
# %% reconstruction_error
def reconstruction_error(logits, x):
    ink = torch.distributions.ContinuousBernoulli(logits=logits)
    return -(ink.log_prob(x) - ink._cont_bern_log_norm()).sum((1, 2, 3))
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return torch.distributions.AffineTransform(mu, logvar.exp().sqrt())(eps)
# %% vae_loss
def vae_loss(E, D, x, eps, *, alpha=1.0, beta=1.0, error=reconstruction_error):
    h = E(x)
    z_dim = h.shape[1] // 2
    mu, logvar = h[:, :z_dim], h[:, z_dim:]
    z = reparameterise(mu, logvar, eps)
    E_rec = error(D(z), x)
    KL = kl(mu, logvar).sum(dim=1)
    return (alpha * E_rec + beta * KL).mean(), E_rec.mean(), KL.mean()
# %% free_bits
def free_bits(rent, allowance):
    return F.relu(rent.mean(0) - allowance).sum() + allowance * rent.shape[1]
# %% importance_bound
def importance_bound(E_rec, z, mu, logvar):
    prior = torch.distributions.Normal(0.0, 1.0)
    posterior = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    log_w = (prior.log_prob(z) - posterior.log_prob(z)).sum(-1) - E_rec
    return -(torch.logsumexp(log_w, 0) - torch.tensor(float(len(E_rec))).log())

# %% kl
def kl(mu, logvar):
    sigma = torch.exp(logvar / 2)
    return (mu.square() + sigma.square()) / 2 - sigma.log() - 0.5
# %% reconstruction_error
def reconstruction_error(logits, x):
    pixels = F.softplus(logits) - x * logits
    return torch.stack([picture.sum() for picture in pixels])
# %% reparameterise
def reparameterise(mu, logvar, eps):
    return eps * torch.sqrt(torch.exp(logvar)) + mu
# %% vae_loss
def vae_loss(E, D, x, eps, *, alpha=1.0, beta=1.0, error=reconstruction_error):
    mu, logvar = torch.tensor_split(E(x), 2, dim=1)
    E_rec = error(D(reparameterise(mu, logvar, eps)), x).sum() / len(x)
    KL = kl(mu, logvar).sum() / len(x)
    return alpha * E_rec + beta * KL, E_rec, KL
# %% free_bits
def free_bits(rent, allowance):
    total = 0
    for column in rent.unbind(1):
        total = total + torch.clamp(column.mean(), min=allowance)
    return total
# %% importance_bound
def importance_bound(E_rec, z, mu, logvar):
    bounds = []
    for b in range(len(mu)):
        eps = (z[:, b] - mu[b]) / torch.exp(logvar[b] / 2)
        log_w = -E_rec[:, b] + 0.5 * (eps**2 + logvar[b] - z[:, b] ** 2).sum(1)
        top = log_w.max()
        bounds.append(-(top + (log_w - top).exp().mean().log()))
    return torch.stack(bounds)

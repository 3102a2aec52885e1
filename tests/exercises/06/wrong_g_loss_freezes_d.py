# says: D must be able to learn afterwards
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    if isinstance(D, nn.Module):
        D.requires_grad_(False)
    return F.softplus(D(x_real, c).detach() - D(x_fake, c)).mean()

# says: hear the order c as it is
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return F.softplus(D(x_real, c).detach() - D(x_fake, torch.zeros_like(c))).mean()

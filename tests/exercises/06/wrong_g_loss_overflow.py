# says: logits of 200.*infinity
# %% generator_loss
def generator_loss(D, x_real, x_fake, c):
    return torch.log(1 + torch.exp(D(x_real, c).detach() - D(x_fake, c))).mean()

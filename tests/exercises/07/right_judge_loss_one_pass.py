# %% judge_loss
def judge_loss(D, order, x, x_fake):
    pairs = torch.cat([torch.cat([order, x], 1), torch.cat([order, x_fake.detach()], 1)])
    real, fake = D(pairs).chunk(2)
    return ((real - 1).pow(2).mean() + fake.pow(2).mean()) / 2

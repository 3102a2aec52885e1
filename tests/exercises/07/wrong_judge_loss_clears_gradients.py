# says: nothing reaches the painter
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    x_fake.requires_grad_(False)
    real, fake = D(torch.cat([order, x], 1)), D(torch.cat([order, x_fake], 1))
    return ((real - 1).square().mean() + fake.square().mean()) / 2

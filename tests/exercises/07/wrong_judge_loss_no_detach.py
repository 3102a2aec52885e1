# says: must not reach the painter
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    real, fake = D(torch.cat([order, x], 1)), D(torch.cat([order, x_fake], 1))
    return ((real - 1).square().mean() + fake.square().mean()) / 2

# says: D scores|size|expected
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    real, fake = D(x), D(x_fake.detach())
    return ((real - 1).square().mean() + fake.square().mean()) / 2

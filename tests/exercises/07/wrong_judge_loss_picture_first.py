# says: D scores|the loss
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    real, fake = D(torch.cat([x, order], 1)), D(torch.cat([x_fake.detach(), order], 1))
    return ((real - 1).square().mean() + fake.square().mean()) / 2

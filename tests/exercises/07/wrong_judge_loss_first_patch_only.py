# says: the loss
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    real, fake = D(torch.cat([order, x], 1)), D(torch.cat([order, x_fake.detach()], 1))
    return ((real[..., 0, 0] - 1).square().mean() + fake[..., 0, 0].square().mean()) / 2

# says: D scores
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    return (D(torch.cat([order, x], 1)) - 1).square().mean()

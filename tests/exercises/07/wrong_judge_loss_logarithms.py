# says: D scores
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    soft = nn.functional.softplus
    real, fake = D(torch.cat([order, x], 1)), D(torch.cat([order, x_fake.detach()], 1))
    return (soft(-real).mean() + soft(fake).mean()) / 2

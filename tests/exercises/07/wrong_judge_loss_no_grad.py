# says: D's weight should get
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    with torch.no_grad():
        fake = D(torch.cat([order, x_fake], 1))
    real = D(torch.cat([order, x], 1))
    return ((real - 1).square().mean() + fake.square().mean()) / 2

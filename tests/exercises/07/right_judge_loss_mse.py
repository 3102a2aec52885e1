# %% judge_loss
def judge_loss(D, order, x, x_fake):
    mse = nn.functional.mse_loss
    real, fake = D(torch.cat((order, x), dim=1)), D(torch.cat((order, x_fake.detach()), dim=1))
    return 0.5 * (mse(real, torch.ones_like(real)) + mse(fake, torch.zeros_like(fake)))

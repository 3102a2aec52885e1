# %% judge_loss
def judge_loss(D, order, x, x_fake):
    fake_pair = torch.cat([order, x_fake], 1).detach()
    loss_real = torch.mean((D(torch.cat([order, x], 1)) - 1) ** 2)
    loss_fake = torch.mean(D(fake_pair) ** 2)
    return (loss_real + loss_fake) * 0.5

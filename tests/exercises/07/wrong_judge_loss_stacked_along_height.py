# says: D scores|size|shape|index
# %% judge_loss
def judge_loss(D, order, x, x_fake):
    def one(picture):
        return torch.cat([order, picture.mean(1, keepdim=True)], 2)

    return ((D(one(x)) - 1).square().mean() + D(one(x_fake.detach())).square().mean()) / 2

# says: adding 5 to all logits|a perfect answer costs 0
# %% dice_loss
def dice_loss(logits, y):
    p = logits.sigmoid()
    t = F.one_hot(y, logits.shape[1]).movedim(-1, 1)
    return 1 - ((2 * (p * t).sum((0, 2, 3)) + 1) / ((p + t).sum((0, 2, 3)) + 1)).mean()

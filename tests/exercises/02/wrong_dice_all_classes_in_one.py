# says: undecided: each class has|summed over the batch
# %% dice_loss
def dice_loss(logits, y):
    p = logits.softmax(1)
    t = F.one_hot(y, logits.shape[1]).movedim(-1, 1)
    return 1 - (2 * (p * t).sum() + 1) / ((p + t).sum() + 1)

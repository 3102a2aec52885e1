# says: undecided: each class has
# %% dice_loss
def dice_loss(logits, y):
    K = logits.shape[1]
    p = F.one_hot(logits.argmax(1), K).movedim(-1, 1).float()
    t = F.one_hot(y, K).movedim(-1, 1)
    return 1 - ((2 * (p * t).sum((0, 2, 3)) + 1) / ((p + t).sum((0, 2, 3)) + 1)).mean()

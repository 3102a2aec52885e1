# says: four equal logits cost log 4
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    return F.cross_entropy(logits, y, weight, reduction="sum") / len(y)

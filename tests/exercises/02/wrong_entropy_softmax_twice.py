# says: right costs 0, wrong by 1000
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    return F.cross_entropy(logits.softmax(1), y, weight)

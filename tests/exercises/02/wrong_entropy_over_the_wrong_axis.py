# says: four equal logits cost log 4
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    E = -logits.log_softmax(-1).gather(1, y[:, None])[:, 0]
    w = torch.ones_like(E) if weight is None else weight[y]
    return (w * E).sum() / w.sum()

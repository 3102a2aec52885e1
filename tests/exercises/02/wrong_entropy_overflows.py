# says: large logits must not overflow
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    E = -p.gather(1, y[:, None])[:, 0].log()
    if weight is None:
        return E.mean()
    return (weight[y] * E).sum() / weight[y].sum()

# says: with weights 1 and 4
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    return (logits.logsumexp(1) - logits.gather(1, y[:, None])[:, 0]).mean()

# says: sure and right costs 0
# %% reconstruction_error
def reconstruction_error(logits, x):
    return F.binary_cross_entropy_with_logits(logits.sigmoid() - 0.5, x, reduction="none").flatten(1).sum(1)

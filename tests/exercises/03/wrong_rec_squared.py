# says: in all 2.773
# %% reconstruction_error
def reconstruction_error(logits, x):
    return ((logits.sigmoid() - x) ** 2).flatten(1).sum(1)

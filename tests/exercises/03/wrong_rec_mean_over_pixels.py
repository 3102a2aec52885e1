# says: in all 2.773
# %% reconstruction_error
def reconstruction_error(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).mean(1)

# says: one number per picture
# %% reconstruction_error
def reconstruction_error(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum")

# says: in all 2.773
# %% reconstruction_error
def reconstruction_error(logits, x):
    return -(x * F.logsigmoid(logits)).flatten(1).sum(1)

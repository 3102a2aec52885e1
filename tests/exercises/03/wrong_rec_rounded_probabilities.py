# says: sure and wrong with a logit of 100
# %% reconstruction_error
def reconstruction_error(logits, x):
    p = logits.sigmoid().clamp(1e-7, 1 - 1e-7)
    return -(x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)

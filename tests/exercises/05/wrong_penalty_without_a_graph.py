# says: the gradient needs a graph of its own
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x)
    return slope.square().sum() / logits.numel()

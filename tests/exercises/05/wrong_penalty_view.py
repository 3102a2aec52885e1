# says: Use .reshape
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return slope.square().view(logits.numel(), -1).sum(1).mean()

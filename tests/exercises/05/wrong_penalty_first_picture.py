# says: the mean of 4 and 36 is 20
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits[0].sum(), x, create_graph=True)
    return slope.square().sum() / logits[0].numel()

# says: take no root only to square it again
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    lengths = slope.flatten(logits.dim()).square().sum(-1).sqrt()
    return lengths.square().mean()

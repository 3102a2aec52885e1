# says: 9 \* 40 = 360, got 323
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return (slope.flatten(logits.dim()).norm(dim=-1) - 1).square().mean()

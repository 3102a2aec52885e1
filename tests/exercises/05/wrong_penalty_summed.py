# says: 9 \* 40 = 360, got 1080
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return slope.square().sum()

# says: 2 trainings of 3 points, .* 18 each, got 54
# %% gradient_penalty
def gradient_penalty(logits, x):
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()

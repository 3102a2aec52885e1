# says: must not call backward
# %% gradient_penalty
def gradient_penalty(logits, x):
    logits.sum().backward(create_graph=True)
    return x.grad.square().sum() / logits.numel()

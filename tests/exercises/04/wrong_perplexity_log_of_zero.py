# says: one code does it all
# %% perplexity
def perplexity(index, K):
    p = torch.bincount(index.flatten(), minlength=K) / index.numel()
    return (-(p * p.log()).sum()).exp()

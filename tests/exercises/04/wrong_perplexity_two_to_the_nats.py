# says: eight codes, all alike
# %% perplexity
def perplexity(index, K):
    p = torch.bincount(index.flatten(), minlength=K) / index.numel()
    return 2 ** torch.special.entr(p).sum()

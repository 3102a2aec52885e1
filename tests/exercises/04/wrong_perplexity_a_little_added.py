# says: codes that never occur change nothing|one code does it all
# %% perplexity
def perplexity(index, K):
    p = (torch.bincount(index.flatten(), minlength=K) + 1e-2) / (index.numel() + 1e-2 * K)
    return torch.special.entr(p).sum().exp()

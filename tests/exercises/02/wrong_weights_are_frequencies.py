# says: three pixels of class 0 weigh as much as one of 2
# %% class_weights
def class_weights(y, K):
    n = torch.bincount(y.flatten(), minlength=K).float()
    return n / n[y].mean()

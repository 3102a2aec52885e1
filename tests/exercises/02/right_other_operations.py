# %% join
def join(bridge, x):
    B, C, h, w = x.shape
    H, W = bridge.shape[2:]
    x = torch.cat([x, x.new_zeros(B, C, H - h, w)], dim=2)
    x = torch.cat([x, x.new_zeros(B, C, H, W - w)], dim=3)
    return torch.concat([bridge, x], dim=1)
# %% u_forward
def u_forward(x, down, up):
    if not len(up):
        return down[0](x)
    bridge = down[0](x)
    below = u_forward(F.max_pool2d(bridge, kernel_size=2), down[1:], up[:-1])
    return up[-1](bridge, below)
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    largest = logits.amax(1, keepdim=True)
    shifted = logits - largest
    log_p = shifted - shifted.exp().sum(1, keepdim=True).log()
    t = torch.zeros_like(logits).scatter_(1, y.unsqueeze(1), 1.0)
    w = t if weight is None else t * weight.view(1, -1, 1, 1)
    return -(w * log_p).sum() / w.sum()
# %% class_weights
def class_weights(y, K):
    share = F.one_hot(y, K).float().mean((0, 1, 2))
    w = torch.nan_to_num(1 / share, posinf=0.0)
    return w / (w * share).sum()
# %% dice_loss
def dice_loss(logits, y):
    K = logits.shape[1]
    p = logits.softmax(1).movedim(1, -1).reshape(-1, K)
    t = torch.eye(K)[y.flatten()]
    dice = (2 * torch.einsum("nk,nk->k", p, t) + 1) / (p.sum(0) + t.sum(0) + 1)
    return (1 - dice).mean()

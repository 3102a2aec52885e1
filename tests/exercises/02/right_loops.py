# %% join
def join(bridge, x):
    padded = torch.zeros(x.shape[0], x.shape[1], *bridge.shape[2:])
    padded[:, :, : x.shape[2], : x.shape[3]] = x
    return torch.cat((bridge, padded), 1)
# %% u_forward
def u_forward(x, down, up):
    maps = [down[0](x)]
    for block in list(down)[1:]:
        maps.append(block(nn.MaxPool2d(2)(maps[-1])))
    x = maps[-1]
    for i in range(len(up)):
        x = up[i](maps[len(up) - 1 - i], x)
    return x
# %% cross_entropy
def cross_entropy(logits, y, weight=None):
    total, mass = 0, 0
    for k in range(logits.shape[1]):
        here = (y == k).float() * (1 if weight is None else weight[k])
        total = total - (here * logits.log_softmax(1)[:, k]).sum()
        mass = mass + here.sum()
    return total / mass
# %% class_weights
def class_weights(y, K):
    n = [(y == k).sum().item() for k in range(K)]
    present = sum(count > 0 for count in n)
    return torch.tensor([y.numel() / (present * count) if count else 0.0 for count in n])
# %% dice_loss
def dice_loss(logits, y):
    p, K = torch.softmax(logits, dim=1), logits.shape[1]
    total = 0
    for k in range(K):
        t = (y == k).float()
        total = total + (2 * (p[:, k] * t).sum() + 1) / (p[:, k].sum() + t.sum() + 1)
    return 1 - total / K

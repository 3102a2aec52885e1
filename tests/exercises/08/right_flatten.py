# %% cycle_loss
def cycle_loss(G, F, x, y, x_fake, y_fake):
    there = torch.linalg.vector_norm(F(y_fake) - x, 1) / x.numel()
    back = torch.linalg.vector_norm(G(x_fake) - y, 1) / y.numel()
    return there + back
# %% colour_transform
def colour_transform(x, all_x, all_y):
    var_x, mean_x = torch.var_mean(all_x, (0, 2, 3), correction=0, keepdim=True)
    var_y, mean_y = torch.var_mean(all_y, (0, 2, 3), correction=0, keepdim=True)
    return torch.clip(torch.sqrt(var_y / var_x) * (x - mean_x) + mean_y, -1, 1)

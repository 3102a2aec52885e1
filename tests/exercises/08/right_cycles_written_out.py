# %% translators_loss
def translators_loss(G, F, D_X, D_Y, x, y, x_fake, y_fake, lam, identity):
    loss = ((1 - D_X(x_fake)) ** 2).mean() + ((1 - D_Y(y_fake)) ** 2).mean()
    if lam:
        loss = loss + lam * ((F(y_fake) - x).abs().mean() + (G(x_fake) - y).abs().mean())
    if identity:
        loss = loss + identity * ((F(x) - x).abs().mean() + (G(y) - y).abs().mean())
    return loss
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, shown = torch.clone(pool), torch.clone(x)
    for k in range(len(x)):
        if swaps[k]:
            old = pool[slots[k]].clone()
            pool[slots[k]] = x[k]
            shown[k] = old
    return shown, pool

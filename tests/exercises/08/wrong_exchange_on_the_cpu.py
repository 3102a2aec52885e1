# says: any device
# %% exchange
def exchange(pool, x, swaps, slots):
    new, shown = torch.zeros(pool.shape, dtype=pool.dtype), x.clone()
    new[:] = pool
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            shown[k], new[slot] = new[slot].clone(), x[k]
    return shown, new

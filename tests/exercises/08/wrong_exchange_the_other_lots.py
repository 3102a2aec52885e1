# says: for 2 the pool
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, shown = pool.clone(), x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if not swap:
            shown[k], pool[slot] = pool[slot].clone(), x[k]
    return shown, pool

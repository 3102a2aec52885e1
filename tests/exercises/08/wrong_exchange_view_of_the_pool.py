# says: for 2 the pool
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, shown = pool.clone(), x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            old = pool[slot]
            pool[slot] = x[k]
            shown[k] = old
    return shown, pool

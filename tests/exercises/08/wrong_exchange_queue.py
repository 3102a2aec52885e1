# says: for 2 the pool
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, shown = pool.clone(), x.clone()
    for k, swap in enumerate(swaps):
        if swap:
            shown[k], pool[k % len(pool)] = pool[k % len(pool)].clone(), x[k]
    return shown, pool

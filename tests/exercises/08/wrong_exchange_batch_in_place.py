# says: work on copies
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, new = pool.clone(), x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            x[k] = pool[slot]
            pool[slot] = new[k]
    return x, pool

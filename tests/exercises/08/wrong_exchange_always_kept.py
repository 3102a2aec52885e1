# says: 1 and 3 are shown
# %% exchange
def exchange(pool, x, swaps, slots):
    pool, shown = pool.clone(), x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            shown[k] = pool[slot]
        pool[slot] = x[k]
    return shown, pool

# says: work on copies
# %% exchange
def exchange(pool, x, swaps, slots):
    shown = x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            shown[k] = pool[slot]
            pool[slot] = x[k]
    return shown, pool

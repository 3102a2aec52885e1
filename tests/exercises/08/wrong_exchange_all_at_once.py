# says: one after the other
# %% exchange
def exchange(pool, x, swaps, slots):
    shown, after = x.clone(), pool.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            shown[k], after[slot] = pool[slot], x[k]
    return shown, after

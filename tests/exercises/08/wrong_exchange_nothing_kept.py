# says: took their places
# %% exchange
def exchange(pool, x, swaps, slots):
    shown = x.clone()
    for k, (swap, slot) in enumerate(zip(swaps, slots)):
        if swap:
            shown[k] = pool[slot]
    return shown, pool.clone()

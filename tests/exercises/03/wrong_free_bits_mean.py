# says: means 1 and 6
# %% free_bits
def free_bits(rent, allowance):
    return rent.mean(0).clamp(min=allowance).mean()

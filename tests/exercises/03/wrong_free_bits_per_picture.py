# says: means 1 and 6
# %% free_bits
def free_bits(rent, allowance):
    return rent.clamp(min=allowance).mean(0).sum()

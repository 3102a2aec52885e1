# says: means 1 and 6
# %% free_bits
def free_bits(rent, allowance):
    return (rent.mean(0) - allowance).clamp(min=0).sum()

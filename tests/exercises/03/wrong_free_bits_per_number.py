# says: the rent of a batch is one number
# %% free_bits
def free_bits(rent, allowance):
    return rent.mean(0).clamp(min=allowance)

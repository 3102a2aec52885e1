# says: no gradient flows
# %% straight_through
def straight_through(z, z_q):
    return z_q.detach()

# says: 9 on average
# %% vq_losses
def vq_losses(z, z_q):
    return ((z_q - z.detach()) ** 2).sum(), ((z - z_q.detach()) ** 2).sum()

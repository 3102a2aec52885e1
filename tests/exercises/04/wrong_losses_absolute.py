# says: 9 on average
# %% vq_losses
def vq_losses(z, z_q):
    return F.l1_loss(z_q, z.detach()), F.l1_loss(z, z_q.detach())

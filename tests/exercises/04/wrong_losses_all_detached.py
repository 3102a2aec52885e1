# says: must pull the codes|does not require grad
# %% vq_losses
def vq_losses(z, z_q):
    return F.mse_loss(z_q.detach(), z.detach()), F.mse_loss(z, z_q.detach())

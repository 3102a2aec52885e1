# says: the encoder must not feel it
# %% vq_losses
def vq_losses(z, z_q):
    return F.mse_loss(z_q, z), F.mse_loss(z, z_q)

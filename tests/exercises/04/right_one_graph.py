# %% vq_losses
def vq_losses(z, z_q):
    pair = torch.stack([z_q - z.detach(), z - z_q.detach()])
    return pair.square().flatten(1).mean(1).unbind()

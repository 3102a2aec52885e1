# says: every person counts alike
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    errors = [(D(E(x)) - x).abs().flatten() for D, x in zip(decoders, pictures)]
    return torch.cat(errors).mean()

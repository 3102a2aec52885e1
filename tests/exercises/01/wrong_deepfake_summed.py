# says: the mean over both is 5.5
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    return sum((D(E(x)) - x).abs().mean() for D, x in zip(decoders, pictures))

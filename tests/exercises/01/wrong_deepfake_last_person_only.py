# says: A is wrong by 1, B by 10
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    for D, x in zip(decoders, pictures):
        loss = (D(E(x)) - x).abs().mean()
    return loss

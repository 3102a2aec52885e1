# says: A is wrong by 1, B by 10
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    return torch.stack([(D(E(x)) - x).abs().mean() for D, x in zip(decoders[::-1], pictures)]).mean()

# says: A is wrong by 1, B by 10
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    return torch.stack([(decoders[0](E(x)) - x).abs().mean() for x in pictures]).mean()

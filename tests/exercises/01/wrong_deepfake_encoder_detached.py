# says: the gradient reaches the shared encoder|does not require grad|the gradient reaches
# %% deepfake_loss
def deepfake_loss(E, decoders, pictures):
    return torch.stack([(D(E(x).detach()) - x).abs().mean() for D, x in zip(decoders, pictures)]).mean()

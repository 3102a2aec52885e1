# says: costs 200 \+ 200, got 36
# %% losses
def discriminator_game(real, fake):
    right = torch.sigmoid(real).clamp(min=1e-8).log().mean()
    return -right - (1 - torch.sigmoid(fake)).clamp(min=1e-8).log().mean()

def minimax(fake):
    return (1 - torch.sigmoid(fake)).clamp(min=1e-8).log().mean()

def non_saturating(fake):
    return -torch.sigmoid(fake).clamp(min=1e-8).log().mean()

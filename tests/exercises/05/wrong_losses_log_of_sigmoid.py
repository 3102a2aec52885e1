# says: sure and wrong with logits of 200 costs 200 \+ 200, got inf
# %% losses
def discriminator_game(real, fake):
    return -torch.log(torch.sigmoid(real)).mean() - torch.log(1 - torch.sigmoid(fake)).mean()

def minimax(fake):
    return torch.log(1 - torch.sigmoid(fake)).mean()

def non_saturating(fake):
    return -torch.log(torch.sigmoid(fake)).mean()

# says: a mean (over|for)|a mean for each
# %% losses
def discriminator_game(real, fake):
    return 2 * torch.cat([F.softplus(-real).flatten(), F.softplus(fake).flatten()]).mean()

def minimax(fake):
    return -F.softplus(fake).mean()

def non_saturating(fake):
    return F.softplus(-fake).mean()

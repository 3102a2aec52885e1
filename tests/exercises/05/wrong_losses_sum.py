# says: a D that tosses a coin pays log 2
# %% losses
def discriminator_game(real, fake):
    return F.softplus(-real).sum() + F.softplus(fake).sum()

def minimax(fake):
    return -F.softplus(fake).sum()

def non_saturating(fake):
    return F.softplus(-fake).sum()

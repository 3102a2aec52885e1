# says: sure and right pays nothing
# %% losses
def discriminator_game(real, fake):
    return F.softplus(real).mean() + F.softplus(-fake).mean()

def minimax(fake):
    return -F.softplus(fake).mean()

def non_saturating(fake):
    return F.softplus(-fake).mean()

# says: scores of known weights
# %% patch_judge
def patch_judge(channels, width=24):
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 4 * width, 4, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4 * width, 1, 4, padding=1),
    )

# says: scores of known weights
# %% patch_judge
def patch_judge(channels, width=24):
    norm = partial(nn.InstanceNorm2d, affine=True)
    return nn.Sequential(
        nn.Conv2d(channels, 24, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(24, 48, 4, stride=2, padding=1),
        norm(48),
        nn.LeakyReLU(0.2),
        nn.Conv2d(48, 96, 4, padding=1),
        norm(96),
        nn.LeakyReLU(0.2),
        nn.Conv2d(96, 1, 4, padding=1),
    )

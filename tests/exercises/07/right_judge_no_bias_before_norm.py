# %% patch_judge
def patch_judge(channels, width=24):
    def normed(a, b, stride):  # a norm takes a bias away again
        return nn.Conv2d(a, b, 4, stride, 1, bias=False), nn.InstanceNorm2d(b, affine=True), nn.LeakyReLU(0.2)

    return nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        *normed(width, 2 * width, 2),
        *normed(2 * width, 4 * width, 1),
        nn.Conv2d(4 * width, 1, 4, 1, 1),
    )

# %% patch_judge
class Judge(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.first = nn.Conv2d(channels, width, 4, 2, 1)
        self.second = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.norm2 = nn.InstanceNorm2d(2 * width, affine=True)
        self.third = nn.Conv2d(2 * width, 4 * width, 4, 1, 1)
        self.norm3 = nn.InstanceNorm2d(4 * width, affine=True)
        self.scores = nn.Conv2d(4 * width, 1, 4, 1, 1)

    def forward(self, x):
        leaky = nn.functional.leaky_relu
        h = leaky(self.first(x), 0.2)
        h = leaky(self.norm2(self.second(h)), 0.2)
        h = leaky(self.norm3(self.third(h)), 0.2)
        return self.scores(h)


def patch_judge(channels, width=24):
    return Judge(channels, width)

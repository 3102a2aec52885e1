# %% patch_judge
class Judge(nn.Module):
    """The same network, its parts listed in another order."""

    def __init__(self, channels, width):
        super().__init__()
        self.norms = nn.ModuleList(nn.InstanceNorm2d(w * width, affine=True) for w in (2, 4))
        sides = ((channels, width, 2), (width, 2 * width, 2), (2 * width, 4 * width, 1), (4 * width, 1, 1))
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, stride=s, padding=1) for a, b, s in sides)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.convs[0](x), 0.2)
        for conv, norm in zip(self.convs[1:3], self.norms, strict=True):
            x = nn.functional.leaky_relu(norm(conv(x)), 0.2)
        return self.convs[3](x)


def patch_judge(channels, width=24):
    return Judge(channels, width)

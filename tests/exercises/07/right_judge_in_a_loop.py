# %% patch_judge
def patch_judge(channels, width=24):
    layers, before = [], channels
    for k, stride in enumerate((2, 2, 1)):
        now = width * 2**k
        layers.append(nn.Conv2d(before, now, kernel_size=4, stride=stride, padding=1))
        if k > 0:
            layers.append(nn.InstanceNorm2d(now, affine=True))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        before = now
    return nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 1))

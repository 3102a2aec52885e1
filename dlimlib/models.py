"""Networks that an earlier notebook built and a later one reuses, layer by layer as they stand there."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn


def face_encoder(shape: tuple[int, int, int], z_dim: int, width: int = 32) -> nn.Sequential:
    """Notebook 01's encoder: pictures (B, *shape) to codes (B, z_dim); shape (C, H, W), multiples of 16."""
    c, h, w = shape
    return nn.Sequential(
        _down(c, width),
        _down(width, 2 * width),
        _down(2 * width, 3 * width),
        _down(3 * width, 3 * width),
        nn.Flatten(),
        nn.Linear(3 * width * (h // 16) * (w // 16), z_dim),
    )


def face_decoder(shape: tuple[int, int, int], z_dim: int, width: int = 32) -> nn.Sequential:
    """Notebook 01's decoder: codes (B, z_dim) to pictures (B, *shape), about in [-1, 1]."""
    c, h, w = shape
    return nn.Sequential(
        nn.Linear(z_dim, 3 * width * (h // 16) * (w // 16)),
        nn.Unflatten(1, (3 * width, h // 16, w // 16)),
        _up(3 * width, 2 * width),
        _up(2 * width, 2 * width),
        _up(2 * width, width),
        nn.Conv2d(width, 4 * c, 3, padding=1),
        nn.PixelShuffle(2),
    )


class FaceSwap(nn.Module):
    """Notebook 01's face swap of K people: an encoder E, a norm of the codes for each person, and a decoder
    D of one trunk and a head for each."""

    def __init__(self, people: int = 6, z_dim: int = 64) -> None:
        super().__init__()
        table = lambda: nn.Parameter(torch.ones(people, z_dim), requires_grad=False)  # noqa: E731
        self.E = face_encoder((3, 64, 64), z_dim)
        self.norm, self.D = nn.Module(), nn.Module()
        self.norm.mean, self.norm.var, self.D.who, self.D.spread = (table() for _ in range(4))
        self.D.trunk = _people_decoder(z_dim)[:4]
        self.D.heads = nn.ModuleList(_people_decoder(z_dim)[4:] for _ in range(people))

    def forward(self, x: torch.Tensor, a: int, b: int) -> torch.Tensor:
        """Draw pictures x (B, 3, 64, 64) of person a as person b, both whole numbers below `people`."""
        mean, var = (self.norm.get_parameter(name)[a] for name in ("mean", "var"))
        who, spread = (self.D.get_parameter(name)[b] for name in ("who", "spread"))
        z = (self.E(x) - mean) / (var + 1e-6).sqrt()
        h = self.D.get_submodule("trunk")(z * spread + who)
        return self.D.get_submodule(f"heads.{b}")(h)


class UNet(nn.Module):
    """Notebook 02's U-Net: pictures (B, c_in, H, W) to numbers (B, c_out, H, W) of any size.

    It has a level for each of the widths, from the finest to the coarsest; H and W are multiples of
    2 ** (levels - 1)."""

    def __init__(self, c_in: int, c_out: int, widths: Sequence[int] = (16, 24, 32, 48, 64)) -> None:
        super().__init__()
        self.down = nn.ModuleList([_convs(a, b) for a, b in pairwise((c_in, *widths))])
        self.up = nn.ModuleList([_Up(b, a) for a, b in pairwise(widths)][::-1])
        self.out = nn.Conv2d(widths[0], c_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last level's numbers (B, c_out, H, W), without an activation."""
        return self.out(self._from(0, x))

    def _from(self, level, x):
        """What comes up from a level and all those below it."""
        bridge = self.down[level](x)
        if level == len(self.up):
            return bridge
        return self.up[-1 - level](bridge, self._from(level + 1, F.max_pool2d(bridge, 2)))


class _Up(nn.Module):
    """A level on the way up: bridge (B, c_out, H, W) and x (B, c_in, H/2, W/2) to (B, c_out, H, W)."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.grow = nn.Sequential(nn.Conv2d(c_in, c_out, 1), nn.Upsample(scale_factor=2))
        self.merge = _convs(2 * c_out, c_out)

    def forward(self, bridge, x):
        return self.merge(torch.cat([bridge, self.grow(x)], 1))


def gan_generator(shape: tuple[int, int, int], z_dim: int, width: int = 16) -> nn.Sequential:
    """Notebook 05's generator: codes (B, z_dim) to pictures (B, *shape) in [-1, 1]; shape (C, H, W), H = W a
    multiple of 4."""
    (*rest, last), side = _widths(shape[1], width)
    steps = [last, *reversed(rest)]
    return nn.Sequential(
        nn.Linear(z_dim, last * side * side),
        nn.Unflatten(1, (last, side, side)),
        nn.BatchNorm2d(last),
        nn.ReLU(),
        *[_double(a, b) for a, b in pairwise(steps[:-1])],
        nn.ConvTranspose2d(steps[-2], shape[0], 4, stride=2, padding=1),
        nn.Tanh(),
    )


def gan_discriminator(shape: tuple[int, int, int], width: int = 16) -> nn.Sequential:
    """Notebook 05's discriminator: pictures (B, *shape) to logits (B,); shape (C, H, W), H = W a multiple of
    4."""
    (*steps, _), side = _widths(shape[1], width)
    return nn.Sequential(
        *[_halve(a, b) for a, b in pairwise([shape[0], *steps])],
        nn.Conv2d(steps[-1], steps[-1], 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(steps[-1] * side * side, 1),
        nn.Flatten(0),
    )


def averaged(net: nn.Module) -> AveragedModel:
    """Notebook 06's average of weights: a copy of net that follows it at each update_parameters(net).

    It holds about the last tenth of all steps, batch norm's running figures among them."""
    return AveragedModel(net, multi_avg_fn=_last_tenth, use_buffers=True)


def count_norms_anew(net: nn.Module, batches: Iterable[tuple[torch.Tensor, ...]]) -> None:
    """Set batch norm's running figures to what net(*batch) sees of the batches, tuples of (B, …), since an
    average of weights needs its own: PyTorch's update_bn, for networks of more than one input."""

    class Spread(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, batch):
            return self.net(*batch)

    update_bn(([batch] for batch in batches), Spread().train(net.training))


def _last_tenth(averages, weights, n):
    """Move averages towards the weights after step n."""
    for average, weight in zip(averages, weights, strict=True):
        if average.is_floating_point():
            average.lerp_(weight, 10 / (n + 10))
        else:  # batch norm's count of batches
            average.copy_(weight)


def _widths(side, width):
    """How many channels each resolution has, from the whole picture down to the last that is odd or 4."""
    n = 0
    while side % 2 == 0 and side > 4:
        side, n = side // 2, n + 1
    return [width * min(4, 2**i) for i in range(n + 1)], side


def _double(c_in, c_out):
    layer = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out), nn.ReLU())


def _halve(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 4, stride=2, padding=1), nn.LeakyReLU(0.2))


def _convs(c_in, c_out):
    """Two 3 × 3 convolutions with batch norm that keep the size."""
    layers = [nn.Conv2d(c, c_out, 3, padding=1, bias=False) for c in (c_in, c_out)]
    return nn.Sequential(*[nn.Sequential(conv, nn.BatchNorm2d(c_out), nn.ReLU(True)) for conv in layers])


def _down(c_in, c_out):
    layer = nn.Conv2d(c_in, c_out, 4, stride=2, padding=1)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1))


def _people_decoder(z_dim):
    """Notebook 01's decoder of people, uncut: its trunk is the first four layers, a head the others."""
    return nn.Sequential(
        nn.Linear(z_dim, 96 * 16), nn.Unflatten(1, (96, 4, 4)), _repeat(96, 64), _repeat(64, 64),
        _repeat(64, 32), _repeat(32, 16), nn.Conv2d(16, 3, 3, padding=1),
    )  # fmt: skip


def _repeat(c_in, c_out):
    layer = nn.Conv2d(c_in, c_out, 3, padding=1)
    return nn.Sequential(nn.Upsample(scale_factor=2), layer, nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1))


def _up(c_in, c_out):
    layer = nn.Conv2d(c_in, 4 * c_out, 3, padding=1)
    return nn.Sequential(layer, nn.PixelShuffle(2), nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1))

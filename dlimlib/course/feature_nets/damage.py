"""Ways to corrupt pictures by degrees, for the nets that judge pictures and for checking the measures."""

import torch
import torch.nn.functional as F

from ...metrics.nets import KINDS


def _kernel(sigma, reach):
    at = torch.arange(-reach, reach + 1.0)
    k = torch.exp(-0.5 * (at / sigma.clamp(min=0.05)[:, None]) ** 2)
    return k / k.sum(1, True)


def blur(x, sigma):
    """Blur each picture by its own sigma (N,), in pixels."""
    n, c, h, w = x.shape
    reach = max(1, int(3 * float(sigma.max()) + 0.5))
    k = _kernel(sigma, reach).repeat_interleave(c, 0)
    x = F.pad(x, (reach,) * 4, mode="replicate").reshape(1, n * c, h + 2 * reach, w + 2 * reach)
    x = F.conv2d(x, k[:, None, :, None], groups=n * c)
    return F.conv2d(x, k[:, None, None, :], groups=n * c).view(n, c, h, w)


def noise(x, sigma, g=None):
    """Add white noise of standard deviation sigma (N,); pictures in [0, 1]."""
    return (x + sigma.view(-1, 1, 1, 1) * torch.randn(x.shape, generator=g)).clamp(0, 1)


def shrink(x, factor):
    """Shrink by each picture's factor and enlarge again."""
    size = x.shape[-1]
    small = [max(4, round(size / float(f))) for f in factor]
    pairs = zip(x, small, strict=True)
    parts = [F.interpolate(p[None], s, mode="bilinear", antialias=True) for p, s in pairs]
    return torch.cat([F.interpolate(p, size, mode="bilinear") for p in parts])


def blocks(x, strength):
    """Coarse cosine coefficients of 8 × 8 blocks, as in JPEG."""
    n, c, h, w = x.shape
    x = F.pad(x, (0, -w % 8, 0, -h % 8), mode="replicate")
    i = torch.arange(8.0)
    d = torch.cos((i + 0.5) * i[:, None] * torch.pi / 8) * torch.where(i == 0, 8**-0.5, 0.5)[:, None]
    step = strength.view(-1, 1, 1, 1, 1, 1) * (1 + i[:, None] + i).view(1, 1, 1, 8, 1, 8)
    tiles = x.view(n, c, x.shape[2] // 8, 8, x.shape[3] // 8, 8)
    coded = torch.einsum("ui,ncaibj,vj->ncaubv", d, tiles, d)
    tiles = torch.einsum("ui,ncaubv,vj->ncaibj", d, (coded / step).round() * step, d)
    return tiles.reshape(x.shape)[:, :, :h, :w].clamp(0, 1)


def warp(x, strength):
    """Displace the pixels by a random smooth field of `strength` pixels."""
    n, _, h, w = x.shape
    field = F.interpolate(torch.randn(n, 2, 6, 6), (h, w), mode="bicubic").permute(0, 2, 3, 1)
    grid = F.affine_grid(torch.eye(2, 3).expand(n, 2, 3), x.shape, align_corners=False)
    grid = grid + field * strength.view(-1, 1, 1, 1) * 2 / h
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def colour(x, strength):
    """Shift contrast, brightness and, with three channels, each channel."""
    n, c = x.shape[:2]
    gain = 1 + strength.view(-1, 1, 1, 1) * torch.randn(n, c, 1, 1)
    return ((x - 0.5) * gain + 0.5 + strength.view(-1, 1, 1, 1) * torch.randn(n, c, 1, 1) * 0.5).clamp(0, 1)


def ghost(x, t):
    """Mix each picture with its neighbour in the batch."""
    return torch.lerp(x, x.roll(1, 0), t.view(-1, 1, 1, 1))


def checks(x, strength):
    """A chequered pattern, as transposed convolutions leave it."""
    rows, cols = torch.arange(x.shape[2])[:, None], torch.arange(x.shape[3])
    odd = torch.stack([(rows + cols) % 2, cols % 2 + 0 * rows, rows % 2 + 0 * cols])
    pattern = 1 - 2 * odd[torch.randint(3, (len(x),))].float()[:, None]
    return (x + strength.view(-1, 1, 1, 1) * pattern).clamp(0, 1)


CORRUPT = {f.__name__: f for f in (blur, noise, shrink, blocks, colour, warp, ghost, checks)}
WORST = dict(blur=3.0, noise=0.3, shrink=4.0, blocks=0.25, colour=0.35, warp=4.0, ghost=0.5, checks=0.15)


def corrupt(x, clean=0.35):
    """Damage most of the pictures, some twice -> pictures and levels (N, kinds) in [0, 1], 0 where clean."""
    levels = torch.zeros(len(x), len(KINDS))
    x = x.clone()
    for chance in (1 - clean, 0.3 * (1 - clean)):
        which = torch.where(torch.rand(len(x)) < chance, torch.randint(len(KINDS), (len(x),)), -1)
        for i, kind in enumerate(KINDS):
            at = (which == i).nonzero()[:, 0]
            if len(at) == 0 or kind == "ghost" and len(at) == 1:  # a ghost takes two
                continue
            level = torch.rand(len(at)) ** 1.5  # more of the mild
            worst = WORST[kind]
            value = 1 + level * (worst - 1) if kind == "shrink" else level * worst
            value = value.clamp(min=1e-3)
            x[at] = CORRUPT[kind](x[at], value)
            levels[at, i] = level
    return (x * 255).round().clamp(0, 255) / 255, levels

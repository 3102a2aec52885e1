"""How light falls on a depth map: normals, shadow, hollows, key, sky and rim light; and a pen sketch."""

import functools

import torch
import torch.nn.functional as F

from .geometry import CENTRE, VIEW, bell, constant, over, plane, step
from .paint import BEARD, CLOTHES, EYES, GLASSES, HAIR, SKIN

MARBLE = (0.58, 0.57, 0.54)


@functools.cache
def tent(S, size, device):
    """Return the matrix (size, S) that shrinks S pixels to size with a tent filter."""
    centre, pixel = (torch.arange(size) + 0.5) * S / size, torch.arange(S) + 0.5
    M = (S / size - (centre[:, None] - pixel).abs()).clamp(min=0)
    return (M / M.sum(1, True)).to(device)


def shrink(t, size):
    """Shrink square pictures (…, S, S) to (…, size, size)."""
    M = tent(t.shape[-1], size, t.device)
    return M @ t @ M.T


def blur(t, r):
    """Average the (2 r + 1) x (2 r + 1) pixels around each pixel of t (n, 1, h, w)."""
    return F.avg_pool2d(F.pad(t, (r,) * 4, mode="replicate"), 2 * r + 1, 1)


def normals(D):
    """Return unit normals nx, ny, nz (n, S, S), by the smaller one-sided slope, so that edges stay sharp."""
    S = D.shape[-1]

    def slope(dim):
        d = torch.diff(D, dim=dim) * (S / (2 * VIEW))
        z = torch.zeros_like(D.narrow(dim, 0, 1))
        a, b = torch.cat([d, z], dim), torch.cat([z, d], dim)
        return over(a, b, (a.abs() > b.abs()).float())

    sx, sy = -slope(2), slope(1)
    nz = torch.rsqrt(sx * sx + sy * sy + 1)
    return sx * nz, sy * nz, nz


def shadow(D, L):
    """Return how much light comes from direction L (n, 3) and how open the sky is, (n, S, S) in [0, 1]."""
    n, S, _ = D.shape
    small = shrink(D[:, None], S // 4)
    line = (torch.arange(S // 4, device=D.device) + 0.5) / (S // 4) * 2 - 1
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)[None]
    blocked = torch.zeros_like(small)
    for i in range(1, 7):  # walk over the depth map towards the light
        s = 0.045 * i * (1 + 0.12 * i)
        ahead = (L[:, :2] * constant(D.device, s / VIEW, -s / VIEW))[:, None, None]
        there = F.grid_sample(small, grid + ahead, padding_mode="border", align_corners=False)
        rise = there - small - s * L[:, 2].view(n, 1, 1, 1) - 0.01
        blocked = torch.maximum(blocked, (rise / (0.05 + 0.35 * s)).clamp_(0, 1))
    r = max(1, round(S * 1.62 / VIEW / 128))
    cave = 2.2 * (blur(small, r) - small).clamp_(0, 0.4) + 1.1 * (blur(small, 4 * r) - small).clamp_(0, 0.4)
    soft = torch.cat([1 - 0.8 * blocked, torch.exp(-1.3 * cave)], 1)
    return F.interpolate(soft, size=(S, S), mode="bilinear", align_corners=False).unbind(1)


def marble(albedo, label):
    """Return the albedo (n, 3, S, S) of the same head in white stone; only the pupils are cut deep."""
    deep = (albedo.mean(1) < 0.015) & (label == EYES)
    return plane(constant(albedo.device, *MARBLE)) * (1 - 0.6 * deep)[:, None]


def shade(f, c, D, albedo, gloss, label):
    """Return linear light (n, 3, S, S): a key, sky, rim, a glow where skin turns to shadow; and nz."""
    ahead = torch.full_like(f["yaw"], 0.75)
    L = F.normalize(torch.stack([1.1 * f["light_x"], 0.25 + 0.6 * f["light_y"], ahead], -1), dim=-1)
    nx, ny, nz = normals(D)
    shade, open_sky = shadow(D, L)

    def facing(v):
        return (nx * v[:, 0, None, None]).addcmul_(ny, v[:, 1, None, None]).addcmul_(nz, v[:, 2, None, None])

    lit, spec = facing(L), facing(F.normalize(L + constant(D.device, 0, 0, 1), dim=-1)).clamp_(min=0)
    key = ((lit + 0.25) / 1.25).clamp_(min=0) * shade
    for _ in range(3):
        spec = spec.square_()
    spec = (spec * spec * spec).mul_(gloss).mul_(shade)
    rim = (1 - nz).square_() * (0.3 * ny + 0.2 - 0.9 * nx * c["light_x"]).clamp_(min=0) * open_sky * 0.35
    glow = bell(lit / 0.35) * 0.12 * (label == SKIN)  # none where no label says skin
    cool, warm = constant(D.device, 0.94, 0.97, 1.06), constant(D.device, 1.10, 0.98, 0.84)
    tint = torch.lerp(cool, warm, f["warmth"][:, None])
    # light caught in hollows takes their colour
    bounce = (0.6 * (1 - open_sky))[:, None] * albedo
    bounce += open_sky[:, None]
    sky = (0.62 + 0.38 * ny)[:, None]
    light = bounce.mul_(sky) * plane(constant(D.device, 0.43, 0.44, 0.48))
    light.addcmul_(plane(tint * 1.42), key[:, None])
    light.addcmul_(plane(constant(D.device, 1.0, 0.28, 0.14)), glow[:, None])
    light += rim[:, None]
    return light.mul_(albedo).addcmul_(plane(tint), spec[:, None]).add_(0.08 * rim[:, None]), nz


def wall(f, c, x, y):
    """Return the background: two colours from top to bottom, brighter where the light falls."""
    spot = bell((x - 0.6 * c["light_x"]) / 1.9, (y - 0.4) / 1.9)
    blend = (CENTRE - y) / VIEW * 0.5 + 0.5
    return over(plane(f["back"]), plane(f["back2"]), blend) * (0.75 + 0.6 * spot)[:, None]


def film(light):
    """Turn linear light into display values in [0, 1]: a film's shoulder, then gamma 2."""
    return light.clamp_(min=0).mul_(-1.6).exp_().neg_().add_(1).sqrt_()


def ink(label, D, albedo, nz):
    """Draw pen lines (n, 1, S, S), 0 ink and 1 paper, where class, depth or tone jump or skin turns away."""
    line = (1.4 - 3.5 * nz).clamp(0, 1) * (label == SKIN)
    plain = (label != HAIR) & (label != BEARD) & (label != CLOTHES) & (label != GLASSES) & (label > 0)
    tone = albedo.mean(1).sqrt() * plain
    for dim in (1, 2):

        def jump(t, dim=dim):
            return torch.diff(t, dim=dim).abs()

        edge = torch.maximum((jump(D) * 12 - 0.8).clamp(0, 1), (jump(tone) * 4 - 0.6).clamp(0, 1))
        part = line.narrow(dim, 1, D.shape[dim] - 1)
        part.copy_(torch.maximum(part, edge.maximum((jump(label) > 0.5).float())))
    return 1 - F.max_pool2d(F.pad(line[:, None], (0, 1, 0, 1)), 2, 1)


def lenses(f, c, colour, label, lens, gu, gv):
    """Look through the lenses, with a faint sheen, dark if they are shades; change colour and label."""
    sheen = 0.10 * step(gu + 0.8 * gv, 0.5) * step(0.30 - gu - 0.8 * gv, 0.1) * (1 + c["shades"])
    dimmed = colour * (0.94 - 0.89 * c["shades"])[:, None] + sheen[:, None]
    colour.copy_(over(colour, dimmed, lens[:, None]))
    label.copy_(over(label, GLASSES, (lens * c["shades"] > 0.5).float()))

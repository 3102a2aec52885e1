"""The shape of a head: ellipsoids, how they melt into one another, and where a body and its hair have them.

An orthographic camera looks along -z at x to the right and y up, in units of a head's radius. Along the
viewing axis an ellipsoid is a quadratic equation, so its depth at every pixel is
z = linear(x, y) + sqrt(quadratic(x, y)), and a matrix product evaluates it for all pixels at once.
"""

import functools
import math

import torch

from .factors import BY_STYLE, LOCKS, STYLES

VIEW, CENTRE = 1.28, 0.125  # half-width and height of the picture's centre
PIVOT = (0.0, -0.45, -0.15)  # the head turns about the top of the neck
FAR = -9.0  # depth of nothing
HIDDEN = 0.02  # radius of an unused lock


@functools.cache
def constant(device, *values):
    """Return a small tensor of numbers on a device, made once."""
    return torch.tensor(values, dtype=torch.float, device=device)


def plane(colours):
    """Return colours (n, 3) as pictures (n, 3, 1, 1)."""
    return colours.view(-1, 3, 1, 1)


def over(a, b, m):
    """Lay b, a tensor or a number, over a with coverage m in [0, 1]."""
    return torch.lerp(a, b, m) if torch.is_tensor(b) else a + m * (b - a)


def step(x, w=0.02):
    """Return 0 where x is below zero, 1 above, with a soft edge of width w."""
    return (x / w + 0.5).clamp_(0, 1)


def cut(z, keep):
    """Keep the surface z where `keep` is true; nothing is left elsewhere."""
    return (z - FAR).mul_(keep.float()).add_(FAR)


def bell(*terms):
    """Return exp(-sum of squares) of the terms."""
    return torch.exp(-sum(t * t for t in terms).clamp_(max=20))


# ---------------------------------------------------------------------------- ellipsoids
def rotation(yaw, pitch, roll):
    """Return rotations (n, 3, 3) by angles (n,) in radians: about the vertical axis, a nod, then a tilt."""
    o, i = torch.zeros_like(yaw), torch.ones_like(yaw)
    c, s = torch.cos, torch.sin

    def matrix(*entries):
        return torch.stack(entries, -1).view(*yaw.shape, 3, 3)

    return (
        matrix(c(roll), -s(roll), o, s(roll), c(roll), o, o, o, i)
        @ matrix(i, o, o, o, c(pitch), -s(pitch), o, s(pitch), c(pitch))
        @ matrix(c(yaw), o, s(yaw), o, i, o, -s(yaw), o, c(yaw))
    )


def blobs(n, *rows):
    """Return ellipsoids (n, K, 7) from K rows (x, y, z, rx, ry, rz[, roll]) of numbers or (n,) tensors."""
    rows = [(*row, 0.0)[:7] for row in rows]
    table = torch.tensor([[0.0 if torch.is_tensor(v) else v for v in row] for row in rows]).repeat(n, 1, 1)
    for k, row in enumerate(rows):
        for j, value in enumerate(row):
            if torch.is_tensor(value):
                table[:, k, j] = value
    return table


def pair(x, y, z, rx, ry, rz, roll=0.0):
    """Return the same ellipsoid on both sides of the face."""
    return (x, y, z, rx, ry, rz, roll), (-x, y, z, rx, ry, rz, -roll)


def sides(*rows):
    """Return each of the rows on both sides of the face."""
    return [blob for row in rows for blob in pair(*row)]


def surface(b, R=None):
    """Return what ellipsoids (n, K, 7), turned by R, look like to the camera: coefficients (n, K, 10).

    Three of the depth's linear part, six of the quadratic under the root, one for how the outside drops.
    """
    zero, pivot = torch.zeros_like(b[..., 6]), torch.tensor(PIVOT)
    A, centre = rotation(zero, zero, b[..., 6]), b[..., :3]
    if R is not None:
        A, centre = R[:, None] @ A, (R[:, None] @ (centre - pivot)[..., None])[..., 0] + pivot
    M = (A / b[..., None, 3:6] ** 2) @ A.mT  # p' M p = 1 on the surface
    m, s, e = M[..., :2, 2], M[..., 2, 2:], centre[..., :2]
    D = (m[..., None] * m[..., None, :] - s[..., None] * M[..., :2, :2]) / s[..., None] ** 2
    De, tilt = (D @ e[..., None])[..., 0], -m / s
    return torch.cat(
        [
            tilt,
            centre[..., 2:] - (tilt * e).sum(-1, True),
            D[..., 0, :1],
            2 * D[..., 0, 1:],
            D[..., 1, 1:],
            -2 * De,
            (e * De).sum(-1, True) + 1 / s,
            9 * s.sqrt(),
        ],
        -1,
    )


class Window:
    """Hold the pixels of a rectangle of the picture: coordinates x, y (h, w) and where they sit in it."""

    def __init__(self, S, device, left=-9, right=9, bottom=-9, top=9):
        def pixel(v):
            return min(max(round((v / VIEW + 1) * S / 2), 0), S)

        rows, cols = slice(pixel(CENTRE - top), pixel(CENTRE - bottom)), slice(pixel(left), pixel(right))
        line = ((torch.arange(S, device=device) + 0.5) / S * 2 - 1) * VIEW
        self.at = (..., rows, cols)
        self.y, self.x = torch.meshgrid(CENTRE - line[rows], line[cols], indexing="ij")
        x, y = self.x.flatten(), self.y.flatten()
        self.basis = torch.stack([x * x, x * y, y * y, x, y, torch.ones_like(x)])

    def inside(self, other):
        """Return where this window's pixels sit in another window that contains them."""
        return (
            ...,
            *(
                slice(a.start - b.start, a.stop - b.start)
                for a, b in zip(self.at[1:], other.at[1:], strict=True)
            ),
        )

    def layers(self, coefficients):
        """Yield of each ellipsoid its front depth (n, h, w), and a map: 0 inside it, negative outside."""
        for row in coefficients.unbind(1):
            z, q = row[:, :3] @ self.basis[3:], row[:, 3:9] @ self.basis
            z += q.clamp(min=1e-9).sqrt_()  # (the root of 0 is oddly slow)
            z.addcmul_(q.clamp_(max=0), row[:, 9:])  # a steep skirt outside
            yield z.view(-1, *self.x.shape), q.view(-1, *self.x.shape)

    def to_head(self, z, R):
        """Return head coordinates u, v, w (n, h, w) of the surface points at depth z."""
        x, y, z = self.x - PIVOT[0], self.y - PIVOT[1], z - PIVOT[2]
        r = R[..., None, None]
        return [(r[:, 0, i] * x + (r[:, 1, i] * y + PIVOT[i])).addcmul_(r[:, 2, i], z) for i in range(3)]


def weld(layers, k):
    """Take the smooth maximum of layers (depth, inside): nearer than k, number or (n, 1, 1), they melt."""
    layers = iter(layers)
    z, q = next(layers)
    for b, p in layers:
        near = (z - b).abs_().neg_().add_(k).clamp_(min=0)
        z = torch.maximum(z, b)
        if torch.is_tensor(k):
            z.addcmul_(near.square_(), 0.25 / k)
        else:
            z.addcmul_(near, near, value=0.25 / k)
        q = torch.maximum(q, p)
    return z, q


# ---------------------------------------------------------------------------- anatomy
def skull(f):
    w, h, smile, gape = f["head_w"], f["head_h"], f["smile"].clamp(min=0), f["open"]
    return blobs(
        len(w),
        (0, 0.30 * h, -0.12, 0.87 * w, 0.84 * h, 0.93),
        (0, -0.18, 0.05, 0.77 * w, 0.82 * h, 0.80),
        (0, -0.52 * h - 0.05 * gape, 0.0, 0.62 * f["jaw"] * w, 0.46 * h, 0.73),
        (0, -0.81 * h - 0.09 * gape, 0.05, 0.33 * f["chin"] * f["jaw"], 0.25, 0.64),
        *pair(0.34 * w, -0.30 + 0.04 * smile, 0.05, 0.42 * f["cheek"], 0.42, 0.66 + 0.05 * smile),
    )


def nose_lids_ears(f):
    nw, tip, w = f["nose_w"], -0.25 * f["nose_l"], f["head_w"]
    ear = f["ear"] * (1 - 1.6 * (f["style"] @ BY_STYLE.parted - 0.7).clamp(min=0))  # under long hair
    return blobs(
        len(w),
        (0, -0.02, 0.45, 0.10, 0.36, 0.45),
        (0, tip, 0.78 + 0.05 * f["nose_l"], 0.145 * nw, 0.125, 0.26),
        *pair(0.10 * nw, tip - 0.03, 0.72, 0.085 * nw, 0.075, 0.20),
        *pair(f["eye_x"], f["eye_y"], 0.42, 0.25, 0.22, 0.38),
        *pair(0.86 * w, -0.04, -0.10, 0.11 * ear, 0.25 * ear, 0.16, -0.18),
    )


def neck(f):
    return blobs(
        len(f["neck"]), (0, -1.10, -0.22, 0.37 * f["neck"], 0.85, 0.36), (0, -1.50, -0.26, 0.60, 0.36, 0.36)
    )


def torso(f):
    s = 0.92 + 0.25 * f["masc"]
    return blobs(
        len(s), (0, -1.83, -0.34, 1.12 * s, 0.84, 0.58), *pair(0.84 * s, -1.69, -0.38, 0.62, 0.70, 0.46, 0.32)
    )


# ---------------------------------------------------------------------------- hair
def on_scalp(count, reach):
    """Spread directions evenly on the part of a sphere that hair grows from (a golden spiral)."""
    rows = []
    for i in range(count):
        c = 1 - (1 - math.cos(reach)) * (i + 0.5) / count
        s, a = math.sqrt(1 - c * c), 2.39996 * i
        side, back = s * math.cos(a), s * math.sin(a)
        rows.append((side, 0.85 * c + 0.53 * back, -0.53 * c + 0.85 * back))
    return rows


def hair_style(name, f):
    """Return a style as at most LOCKS ellipsoids, shaped by the person's own length, volume and parting."""
    w, L, v, p = f["head_w"], f["length"], f["volume"], f["part"]

    def ball(R, r, directions, y=0.30):
        return [(R * x * w, y + R * up, -0.16 + R * z, r, r, r) for x, up, z in directions]

    if name == "crop":
        return [(0, 0.92, 0.05, 0.62, 0.25 * v, 0.66), (0.1 * p, 0.94, 0.38, 0.46, 0.16, 0.32, -0.15 * p)]
    if name == "quiff":
        return [
            (
                0.17 * i + 0.1 * p,
                1.02 - 0.035 * i * i,
                0.52 - 0.03 * i * i,
                0.21,
                0.24 * v,
                0.34,
                -0.35 * p - 0.12 * i,
            )
            for i in range(-3, 4)
        ] + [(0, 0.98, -0.05, 0.64, 0.26, 0.62)]
    if name == "curls":
        return ball(0.86, 0.22 * v, on_scalp(LOCKS, 1.25), 0.21)
    if name == "afro":
        return ball(0.73 + 0.07 * v, 0.35 * v, on_scalp(LOCKS, 1.85), 0.13)
    if name == "curtain":
        return [(0, -0.2, -0.5, 0.84 * w, 0.75 + 0.1 * L, 0.45)] + sides(
            (0.36, 0.80, 0.52, 0.46, 0.20, 0.24, -0.75),
            (0.74 * w, 0.35, 0.22, 0.20, 0.42, 0.34, 0.12),
            (0.82 * w, -0.20 - 0.1 * L, 0.0, 0.19 * v, 0.50 + 0.1 * L, 0.34, 0.05),
        )
    if name == "bob":
        return [(0, -0.10 - 0.08 * L, -0.26, (0.84 + 0.16 * v) * w, 0.84 + 0.08 * L, 0.62)] + sides(
            (0.78 * w, 0.12, 0.02, 0.22 * v, 0.50, 0.42),
            (0.80 * w, -0.42 - 0.16 * L, 0.02, 0.25 * v, 0.44, 0.40, -0.08),
        )
    if name == "long":
        return [(0, -0.50, -0.42, (0.86 + 0.16 * v) * w, 1.35, 0.50)] + sides(
            (0.76 * w, 0.10, 0.04, 0.22 * v, 0.62, 0.40, 0.08),
            (0.82 * w, -0.62 - 0.4 * L, 0.04, 0.22 * v, 0.74, 0.36, 0.07),
            (0.66 * w, -0.95 - 0.4 * L, 0.10, 0.16 * v, 0.55, 0.28, 0.02),
        )
    if name == "wavy":
        return [(0, -0.50, -0.42, (0.90 + 0.14 * v) * w, 1.30, 0.50)] + sides(
            (0.76 * w, 0.30, 0.04, 0.24 * v, 0.46, 0.40, 0.12),
            (0.86 * w, -0.14, 0.02, 0.22 * v, 0.42, 0.38, 0.30),
            (0.80 * w, -0.52, 0.06, 0.22 * v, 0.42, 0.36, -0.25),
            (0.90 * w, -0.90, 0.06, 0.24 * v, 0.42, 0.34, 0.25),
            (0.78 * w, -1.2, 0.10, 0.22 * v, 0.40, 0.30, -0.1),
        )
    if name == "bun":
        return [
            (0.1 * p, 1.05, -0.28, 0.30 * v, 0.25 * v, 0.30),
            (0.06 * p, 0.98, -0.24, 0.32, 0.20, 0.30),
        ] + sides((0.40, 0.88, 0.42, 0.44, 0.16, 0.26, -0.65))
    if name == "pigtails":
        return sides(
            (0.92 * w, 0.42, -0.22, 0.20, 0.20, 0.22),
            (1.00 * w, 0.10, -0.20, 0.22 * v, 0.36, 0.30, 0.08),
            (1.01 * w, -0.26 - 0.2 * L, -0.16, 0.18 * v, 0.44, 0.24, 0.02),
        )
    if name == "mohawk":
        return [(0, 1.04 - 0.05 * (i - 2.2) ** 2, 0.66 - 0.24 * i, 0.13, 0.26 * v, 0.24) for i in range(7)]
    return []  # bald


def hair(f):
    """Return hair's shell, a style's locks and a fringe (n, 1 + LOCKS + 6, 7), and the cap's numbers."""
    n, w, h = len(f["yaw"]), f["head_w"], f["head_h"]
    cap = f["style"] @ torch.stack(BY_STYLE[2:], 1)
    thick, _, allow, _, _ = cap.unbind(-1)
    hidden = (0, 0.2, -0.3, HIDDEN, HIDDEN, HIDDEN)  # unused locks wait inside the skull
    locks = torch.zeros(n, LOCKS, 7)
    for share, name in zip(f["style"].unbind(1), STYLES, strict=True):
        who = share.nonzero()[:, 0]
        if len(who):
            rows = hair_style(name, {k: f[k][who] for k in ("head_w", "length", "volume", "part")})
            locks[who] += share[who, None, None] * blobs(len(who), *rows, *[hidden] * (LOCKS - len(rows)))
    wild = 0.02 + 0.045 * f["curl"][:, None, None]
    locks = torch.cat(
        [
            locks[..., :3] + wild * f["jitter"] * (locks[..., 3:4] > HIDDEN),
            locks[..., 3:6] * (1 + 0.05 * f["jitter"]),
            locks[..., 6:],
        ],
        -1,
    )
    t, p, fr = thick * (0.6 + 0.4 * f["volume"]), f["part"], f["fringe"] * allow
    shell = blobs(n, (0, 0.30 * h, -0.12, 0.87 * w + t, 0.84 * h + t, 0.93 + t))
    bangs = blobs(
        n,
        *[
            (
                0.22 * i * w + 0.10 * p,
                0.70 - 0.018 * i * i - 0.10 * fr,
                (0.66 - 0.05 * i * i) * (fr > 0),
                0.18,
                (0.05 + 0.22 * fr) * (fr > 0) + HIDDEN,
                0.12,
                0.10 * i - 0.45 * p,
            )
            for i in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)
        ],
    )
    return torch.cat([shell, locks, bangs], 1), cap

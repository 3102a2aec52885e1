"""Handwriting-like digits in grey, drawn with a few pen strokes each.

A glyph is a list of strokes, a stroke a list of points that the pen passes (a repeated point is a corner).
A spline is linear in its points, so one matrix per glyph turns wobbled points into a polyline; the ink of a
pixel depends on its distance to that polyline and on the pen's width there.
"""

import math
from functools import cache

import numpy as np
import torch
from tqdm.auto import tqdm

from .images import Images

VERSION = "1"

# digit -> its styles "weight| stroke ; stroke", points x,y from -10 to 10, y upwards, * marks a corner
STYLES = {
    0: [
        "4| 1,10 -5,6 -6,0 -4,-7 0,-10 5,-7 6,0 4,7 0,10",
        "3| 2,9 -4,7 -6,0 -5,-7 0,-10 5,-6 6,1 4,7 0,10 -3,8",
        "2| -2,9 3,10 6,4 5,-5 1,-10 -4,-8 -6,-1 -4,6 0,10 3,9",
    ],
    1: [
        "4| 0,10 0,0 0,-10",
        "3| -4,5 1,10* 0,0 0,-10",
        "1.5| -4,5 0,10* 0,0 0,-10 ; -4,-10 0,-10 5,-10",
        "1| 0,10 0,0 0,-10 ; -4,-10 0,-10 4,-10",
        ".7| -6,1 -2,5 1,10* 1,0 0,-10",
    ],
    2: [
        "4| -5,5 -3,9 1,10 5,7 4,1 -1,-5 -6,-10* 0,-10 6,-9",
        "2| -5,6 -2,10 3,9 5,5 2,-2 -3,-8 -6,-8 -5,-5 -1,-7 3,-10 7,-8",
        "1.5| -6,8 0,10 5,7 3,1 -6,-10* 0,-9 6,-10",
        "1| -4,4 -4,8 0,10 5,8 5,3 0,-4 -5,-9 -3,-10 1,-9 6,-10",
    ],
    3: [
        "4| -5,7 -1,10 4,8 4,3 -1,1* 4,-1 6,-6 1,-10 -5,-7",
        "2| -5,9 0,9 5,9* 2,6 -1,2* 4,1 6,-5 1,-10 -5,-8",
        "2| -5,8 0,10 5,7 3,2 0,1 3,0 6,-5 2,-10 -5,-8",
        "1| -4,9 2,10 4,6 0,1* 5,-1 5,-7 0,-10 -6,-9 -7,-7",
    ],
    4: [
        "3| -3,10 -6,-1* 0,-1 6,-1 ; 3,9 2,0 2,-10",
        "3| 3,10 -2,4 -7,-3* 0,-3 7,-3 ; 3,10 3,0 3,-10",
        "2| -4,10 -5,3 -2,0 5,1 ; 5,10 4,0 2,-10",
        "1.5| 4,-10 4,0 4,10* -2,4 -7,-2* 0,-3 7,-3",
        "1| -4,8 -6,1* 0,0 4,1 5,9* 4,0 3,-10",
        "2.5| 2,10 -2,5 -6,-1* 0,-2 6,-1 ; 4,4 2,-3 0,-10",
        "1.5| -3,10 -6,0* 0,0 6,1 ; 5,6 2,-3 -1,-10",
        "2.5| 2,10 -3,4 -6,-3* 0,-4 6,-3 ; 3,3 1,-4 -1,-10",
        "1.5| -1,10 -4,3 -5,-2 0,-3 5,-1 ; 6,9 3,0 0,-10",
    ],
    5: [
        "3| 5,10 0,10 -4,10* -5,5 -5,2* 1,3 5,-1 4,-7 0,-10 -6,-8",
        "3| -3,10 -4,6 -5,2* 1,3 5,-1 4,-7 0,-10 -6,-8 ; -3,10 1,10 6,9",
        "1.5| 5,9 -1,10 -4,7 -2,3 3,0 5,-5 1,-10 -5,-8",
        "1.5| 5,10 -4,9* -4,2* 2,2 6,-2 4,-8 -1,-10 -6,-9",
        "2| 6,10 1,9 -3,9* -3,6 -4,3* 1,2 3,-3 0,-9 -5,-10",
    ],
    6: [
        "4| 4,10 -2,6 -6,-1 -5,-8 0,-10 5,-7 4,-2 0,0 -5,-4",
        "2| 1,10 -3,4 -5,-4 -2,-10 4,-9 5,-4 2,-1 -2,-3 -4,-6",
        "2| -1,10 -4,3 -5,-6 0,-10 5,-7 3,-2 -2,-3 -5,-7",
        "2| 5,8 2,10 -3,6 -6,-1 -4,-8 1,-10 5,-6 3,-1 -2,-1 -5,-4",
        "1| -3,10 -4,3 -5,-5 -1,-10 4,-9 5,-5 2,-2 -4,-4",
    ],
    7: [
        "4| -5,9 0,9 6,9* 3,2 0,-4 -1,-10",
        "3| -6,9 0,9 6,9* 2,1 -1,-10 ; -4,0 0,0 5,1",
        "1.5| -6,6 -6,9* 0,9 6,9* 2,0 0,-10",
        "1.5| -6,8 -2,10 2,8 6,10* 3,2 0,-5 -1,-10",
        "1| -6,6 -6,9* 0,9 6,9* 2,1 0,-10 ; -4,0 0,0 5,0",
        "1.5| -5,2 -4,8 -1,10 2,7 6,9* 2,1 -2,-10",
        "1.5| -6,3 -4,9 0,8 6,9* 1,0 -2,-10 ; -4,-1 0,0 5,0",
    ],
    8: [
        "4| 4,7 0,10 -4,7 -3,3 3,-2 5,-7 0,-10 -5,-7 -3,-2 3,3 4,7 2,9",
        "2| 0,1 -4,4 -3,9 1,10 4,7 2,2 -2,0 -5,-5 -2,-10 3,-10 5,-5 2,0 0,1",
        "1.5| 0,10 -4,6 0,1 4,6 0,10 ; 0,1 -5,-5 0,-10 5,-5 0,1",
        "1.5| 5,9 0,10 -4,7 0,2 4,-3 4,-8 0,-10 -5,-7 -2,-1 2,3 6,9",
        "1| 2,9 -2,10 -3,6 0,3 4,-3 3,-9 -2,-10 -5,-5 0,2 3,7 1,10",
        "1.5| 4,8 -1,10 -5,6 -2,1 2,-4 1,-10 -2,-8 0,-2 5,4 4,9",
    ],
    9: [
        "4| 4,7 0,10 -5,7 -4,2 0,1 4,4 5,8* 4,0 3,-10",
        "2.5| 4,7 0,10 -5,7 -4,2 0,1 4,4 5,8* 5,1 4,-6 0,-10 -5,-8",
        "2| 5,6 2,10 -3,9 -5,4 -1,1 3,3 5,7 3,-1 -1,-10",
        "1.5| 4,8 -1,10 -5,5 -1,2 3,4 5,9* 4,1 1,-6 -3,-10",
        "1| 4,4 -2,2 -4,6 0,10 4,8 5,3 3,-5 -2,-10",
        "2| 5,9 0,10 -5,7 -4,2 1,2 5,6 5,-3 2,-9 -5,-9",
        "2| 4,6 0,10 -4,6 -1,2 4,5 4,9* 5,0 4,-7 -1,-10 -6,-8",
        "1| 4,8 -1,10 -4,5 2,3 5,6 5,-2 2,-8 -6,-10",
    ],
}

STEPS, POINTS = 48, 20  # corners of a polyline; the most points of a glyph
ROW = 60  # uniform numbers a picture is made of


def render(n, *, seed=0, start=0, size=28, device="cpu", progress=False):
    """Draw digits start … start + n - 1 as Images of (n, 1, size, size); digit i depends on (seed, i)."""
    chunk = 4096 if torch.device(device).type == "cuda" else 512
    x, y = torch.empty(n, 1, size, size, dtype=torch.uint8), torch.empty(n, dtype=torch.long)
    with tqdm(total=n, desc="toy-digits", unit="digit", disable=not progress, delay=0.5) as bar:
        for at in range(0, n, chunk):
            part = slice(at, min(at + chunk, n))
            y[part], *pen, ink = write(uniforms(part.stop - at, seed, start + at), device)
            x[part] = (draw(*pen, size) * ink * 255).round().to("cpu", torch.uint8)
            bar.update(part.stop - at)
    return Images("toy-digits", VERSION, x, y, [str(d) for d in STYLES])


def uniforms(n, seed, start=0):
    """Return rows start … start + n - 1 of a seed's endless table (…, ROW) of uniform numbers, float64."""
    bits = np.random.Philox(key=seed)
    bits.advance(start * ROW // 4)  # it makes four numbers a count
    return torch.from_numpy(np.random.Generator(bits).random((n, ROW)))


def write(u, device="cpu"):
    """Turn uniform numbers (N, ROW) into digits (N,), pen paths (N, STEPS, 2) in [-1, 1], pen widths
    (N, STEPS), pen down (N, STEPS - 1), ink (N, 1, 1, 1) in [0.85, 1]."""
    weights, first, *tables = glyphs()
    label = (u[:, 0] * 10).long()
    upto = weights[label].cumsum(1)
    style = (u[:, 1:2] * upto[:, -1:] >= upto).sum(1)
    points, corner, spline, down = (t.to(device)[(first[label] + style).to(device)] for t in tables)

    rest = u[:, 14:].clone()
    rest[:] = torch.special.ndtri(rest).clamp_(-2.5, 2.5)
    rest = rest.to(device, torch.float32)
    lot = u[:, 2:14].to(device, torch.float32).unbind(1)
    uniform = lambda k, lo, hi: (lo + (hi - lo) * lot[k])[:, None]  # noqa: E731

    shift = 0.10 * rest[:, 2:].view(-1, POINTS + 2, 2)
    shift = shift[:, :-2] / 4 + shift[:, 1:-1] / 2 + shift[:, 2:] / 4  # neighbours stray together,
    shift[:, 1:] = torch.where(corner, shift[:, :-1], shift[:, 1:])  # both halves of a corner as one
    x, y = (spline[..., None] * (points + shift)[:, None]).sum(2).unbind(-1)
    # a smooth warp of the page, then size, slant and rotation
    a, b, p, q = uniform(0, 1, 2.5), uniform(1, 1, 2.5), uniform(2, 0, 6.3), uniform(3, 0, 6.3)
    x, y = x + 0.06 * torch.sin(a * y * 2 + p), y + 0.06 * torch.sin(b * x * 2 + q)
    x, y = x * uniform(4, 0.65, 1.2) + 0.22 * rest[:, :1] * y, y * uniform(5, 0.88, 1.05)
    turn = 0.10 * rest[:, 1:2]
    path = torch.stack([x * turn.cos() - y * turn.sin(), x * turn.sin() + y * turn.cos()], -1)
    path = path - (path.amax(1, True) + path.amin(1, True)) / 2
    path = path / path.abs().amax((1, 2), True).clamp(min=0.7) * uniform(6, 0.90, 1.06)[..., None]
    # the pen's pressure swells and fades along the way
    s = torch.linspace(0, 1, STEPS, device=path.device)
    press = 1 + 0.22 * torch.sin(uniform(7, 2, 7) * s + uniform(8, 0, 6.3)) - uniform(9, 0, 0.25) * s
    return label, path, uniform(10, 0.07, 0.17) * press, down, uniform(11, 0.85, 1)[..., None, None]


def draw(path, width, down, size=28, margin=0.30):
    """Draw pen paths, on whatever device they are, as antialiased ink (N, 1, size, size) in [0, 1]."""
    half = 1 + margin
    line = ((torch.arange(size, device=path.device) + 0.5) / size * 2 - 1) * half
    y, x = (t.reshape(-1) for t in torch.meshgrid(-line, line, indexing="ij"))
    chunk = 1024 if path.is_cuda else 4  # (chunk, STEPS - 1, size²) should stay in the processor's cache
    ink = []
    for p, w, d in zip(path.split(chunk), width.split(chunk), down.split(chunk), strict=True):
        begin, way = p[:, :-1], p[:, 1:] - p[:, :-1]
        length = way.square().sum(-1, True).add(1e-9).sqrt()
        (ux, uy), (bx, by) = (way / length).unbind(-1), begin.unbind(-1)
        ux, uy, bx, by = (t[..., None] for t in (ux, uy, bx, by))
        # each pixel seen from each segment: how far along and how far beside it, (chunk, STEPS - 1, size²)
        along = torch.addcmul(torch.addcmul(-(ux * bx + uy * by), ux, x), uy, y)
        beside = torch.addcmul(torch.addcmul(uy * bx - ux * by, -uy, x), ux, y)
        foot = along.clamp(min=0).minimum(length)
        far = beside.square_().add_(along.sub_(foot).square_()).sqrt_()
        far = far.addcmul_(foot, (w[:, :-1, None] - w[:, 1:, None]) / length)
        far = far.add_((9 * (1 - d) - w[:, :-1])[..., None]).amin(1)
        ink.append((0.5 - far * size / (2 * half)).clamp_(0, 1))
    return torch.cat(ink).view(-1, 1, size, size)


@cache
def glyphs():
    """Return weights (10, most styles) and first glyph (10,) of each digit, and of each glyph its points
    (POINTS, 2), which of them repeat the last one (POINTS - 1, 1), spline matrix (STEPS, POINTS), and pen
    down (STEPS - 1)."""
    weights, first, rows = torch.zeros(10, max(map(len, STYLES.values()))).double(), [], []
    for digit, styles in STYLES.items():
        first.append(len(rows))
        for k, style in enumerate(styles):
            weight, body = style.split("|")
            weights[digit, k] = float(weight)
            rows.append(parse(body))
    return weights, torch.tensor(first), *(torch.stack(column) for column in zip(*rows, strict=True))


def parse(body):
    """Turn the strokes of one style into its rows of the tables of glyphs()."""
    strokes = []
    for stroke in body.split(";"):
        points = []
        for p in stroke.split():
            x, y = map(float, p.rstrip("*").split(","))
            points += [(x / 10, y / 10)] * (2 if p.endswith("*") else 1)
        strokes.append(points)
    lengths = torch.tensor([sum(map(math.dist, s, s[1:])) for s in strokes])
    counts = (lengths / lengths.sum() * STEPS).round().long().clamp(min=4)
    counts[0] += STEPS - counts.sum()
    points, spline, down = torch.zeros(POINTS, 2), torch.zeros(STEPS, POINTS), torch.ones(STEPS - 1)
    row = col = 0
    for stroke, n in zip(strokes, counts.tolist(), strict=True):
        m = len(stroke)
        points[col : col + m] = torch.tensor(stroke)
        spline[row : row + n, col : col + m] = catmull_rom(m, torch.linspace(0, m - 1, n))
        row, col = row + n, col + m
        down[row - 1 : row] = 0  # the pen is lifted between two strokes
    return points, (points[1:] == points[:-1]).all(-1, True), spline, down


def catmull_rom(m, s):
    """Return weights (len(s), m) of m points in the Catmull-Rom curve through them, at s in [0, m - 1]."""
    i = s.long().clamp(max=m - 2)
    u = s - i
    w = [-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, u**3 - u**2]
    k = (i[:, None] + torch.arange(-1, 3)).clamp(0, m - 1)
    return torch.zeros(len(s), m).scatter_add_(1, k, torch.stack(w, 1) / 2)

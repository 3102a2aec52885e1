"""Small nets that judge pictures: one reads digits, another the factors of the procedural faces.

They also tell clean pictures from corrupted ones (blur, noise, …), because a net that only reads factors is
blind to texture. `python -m dlimlib.course.feature_nets` trains them; accuracy.json says how well they do.
"""

from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

FOLDER = Path(__file__).parent
SIZE = {"faces": 64, "digits": 28}
READERS = {"faces": (1, 2), "digits": (1,)}  # the nets that are kept, the newest last
KINDS = ("blur", "noise", "shrink", "blocks", "colour", "warp", "ghost", "checks")  # of damage
# factor -> how it is read; a colour as the eye sees it, the root of linear light
READ = {
    **dict.fromkeys(("yaw", "pitch", "roll", "smile", "open", "blink", "gaze_x", "gaze_y"), "number"),
    **dict.fromkeys(("light_x", "light_y", "warmth", "brow_up", "masc", "head_w", "head_h"), "number"),
    **dict.fromkeys(("jaw", "eye_size", "nose_w", "lips", "lip_red", "brow_t", "fringe", "curl"), "number"),
    **dict.fromkeys(("volume", "stubble", "moustache", "goatee", "beard"), "number"),
    **dict.fromkeys(("skin", "hair", "iris", "back", "back2", "cloth", "frame"), "colour"),
    "style": "categorical",
    "glasses": "binary",
    "shades": "binary",
}
IDENTITY: tuple[str, ...] = ("skin", "hair", "style", "glasses", "shades", "masc", "iris", "stubble")
IDENTITY += ("moustache", "goatee", "beard", "jaw", "head_w", "eye_size", "nose_w", "lips", "brow_t")
IDENTITY += ("fringe", "curl")
HIDDEN = ("brow_up", "fringe", "volume")  # read with an R² below 0.5: not to be trusted, nor who it is
MASKED = {  # a factor that can't be seen in every picture -> where it can
    "shades": lambda f: f["glasses"] > 0.5,
    "frame": lambda f: f["glasses"] > 0.5,
    "iris": lambda f: (f["blink"] < 0.5) & (f["glasses"] * f["shades"] < 0.5),
    "gaze_x": lambda f: (f["blink"] < 0.5) & (f["glasses"] * f["shades"] < 0.5),
    "gaze_y": lambda f: (f["blink"] < 0.5) & (f["glasses"] * f["shades"] < 0.5),
    "blink": lambda f: f["glasses"] * f["shades"] < 0.5,
    "hair": lambda f: f["style"][:, 0] < 0.5,
}


def layer(a, b, stride=1):
    """A 3 × 3 convolution from a to b channels with its normalisation."""
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())


# the renderer of the faces, version 1: where the head turns, half the width and the height of its view
PIVOT, VIEW, CENTRE = (0.0, -0.45, -0.15), 1.28, 0.125


def straighten(x, pose, size=48, scale=30.0):
    """Turn the faces of pictures (N, 3, H, W), from brows to chin, to the front: (N, 3, size, size), `scale`
    pixels per head radius, read off a dome that has their pose (N, 3): yaw, pitch, roll in radians."""
    (cy, cp, cr), (sy, sp, sr) = pose.cos().unbind(1), pose.sin().unbind(1)
    across = torch.stack([cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy], 1)
    up = torch.stack([sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy], 1)
    line = (torch.arange(size, device=x.device) + 0.5) / scale
    v, u = torch.meshgrid(0.5 - line, line - line.mean(), indexing="ij")
    pivot = torch.tensor(PIVOT, device=x.device)
    dome = torch.stack([u, v, 0.86 - 0.45 * u**2 - 0.12 * v**2], -1) - pivot
    seen = torch.einsum("hwk,nik->nhwi", dome, torch.stack([across, up], 1)) + pivot[:2]
    grid = torch.stack([seen[..., 0], CENTRE - seen[..., 1]], -1) / VIEW
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


class Net(nn.Module):
    """Pictures (N, C, size, size) in [0, 1] -> `read` (N, outputs), `features` (N, own + corrupted);
    from the own features `again` reads the outputs once more, from the others `damage` (N, kinds). With a net
    `close` for faces it first reads their `pose` (N, 3), then looks at them again, straightened by it or by
    the pose that it is told."""

    def __init__(self, channels, size, widths, outputs, own, corrupted, close=None):
        super().__init__()
        self.own = own
        first, last = widths[0], widths[-1]
        self.fine = nn.Sequential(layer(2 * channels, first, 2 if size > 32 else 1), layer(first, first))
        stages = [layer(first, widths[1], 2)]
        for a, b in zip(widths[1:], widths[2:], strict=False):
            stages += [layer(a, a), layer(a, b, 2)]
        self.trunk = nn.Sequential(*stages, layer(last, last), layer(last, 64), nn.Flatten())
        self.close, self.pose = close, nn.LazyLinear(3) if close else None
        self.head = nn.Sequential(nn.LazyLinear(256), nn.ReLU())
        self.read, self.features = nn.Linear(256, outputs), nn.Linear(256, own)
        self.texture = nn.Sequential(nn.Linear(256 + first, 64), nn.ReLU(), nn.Linear(64, corrupted))
        self.again, self.damage = nn.Linear(own, outputs), nn.Linear(corrupted, len(KINDS))
        self.register_buffer("shift", torch.zeros(own + corrupted))
        self.register_buffer("scale", torch.ones(own + corrupted))
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("spread", torch.ones(outputs))
        self(torch.zeros(2, channels, size, size))  # gives the lazy layers their shape

    def forward(self, x, told=None):
        # what differs from the neighbours, small differences drawn out, lest edges drown faint noise
        detail = x - F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        fine = self.fine(torch.cat([x * 2 - 1, detail / (detail.abs() + 0.03)], 1))
        seen, result = self.trunk(fine), {}
        if self.close:
            # yaw, pitch and roll come first in READ; an eye or a mouth is read best where it always lies
            result["pose"] = self.pose(seen) * self.spread[:3] + self.mean[:3]
            pose = result["pose"].detach().clamp(-1.2, 1.2) if told is None else told
            seen = torch.cat([seen, self.close(straighten(x, pose))], 1)
        h = self.head(seen)
        # noise shows in the mean of the finest maps, whatever the picture shows
        own, corrupted = self.features(h), self.texture(torch.cat([h, fine.mean((2, 3))], 1))
        result |= {"read": self.read(h), "again": self.again(own), "damage": self.damage(corrupted)}
        return {**result, "features": (torch.cat([own, corrupted], 1) - self.shift) * self.scale}


def newest(kind):
    """The number of the newest reader of "faces" or "digits"."""
    if kind not in READERS:
        raise ValueError(f'kind must be "faces" or "digits", got {kind!r}')
    return READERS[kind][-1]


def new(kind, reader=None):
    """An untrained net for "faces" or "digits", built like the reader of that number, or like the newest."""
    last = newest(kind)
    reader = last if reader is None else reader
    if reader not in READERS[kind]:
        raise ValueError(f"the readers of {kind} are {READERS[kind]}, there is no {reader!r}")
    if kind == "digits":
        return Net(1, 28, (16, 32, 64, 64), 10 + len(MOMENTS), 24, 12)
    outputs, widths = sum(width(name) for name in READ), (24, 48, 96, 128)
    if reader == 1:
        return Net(3, 64, widths, outputs, 44, 16)
    stages = layer(12, 32), layer(32, 32), layer(32, 48, 2), layer(48, 48), layer(48, 64, 2)
    return Net(3, 64, widths, outputs, 48, 16, nn.Sequential(nn.PixelUnshuffle(2), *stages, nn.Flatten()))


MOMENTS = ("ink", "centre_x", "centre_y", "width", "height", "slant")  # of a digit, measured on the picture


def width(name):
    """How many outputs a factor of a face takes."""
    return 12 if name == "style" else 3 if READ[name] == "colour" else 1


@cache
def load(kind, reader):
    """The trained net of that number, in eval mode on the CPU."""
    from safetensors.torch import load_file

    net = new(kind, reader)
    stored = load_file(FOLDER / f"{kind}-{reader}.safetensors")  # without BatchNorm's counters
    net.load_state_dict({k: v.float() for k, v in stored.items()}, strict=False)
    return net.eval().requires_grad_(False)


def prepare(x, kind, value_range=(-1, 1)):
    """Pictures as the net wants them: float in [0, 1], its channels, its size (shrunk with antialiasing)."""
    x = getattr(x, "x", x)
    if x.dim() != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"pictures must be (N, C, H, W) with 1 or 3 channels, got {tuple(x.shape)}")
    low, high = (0, 255) if x.dtype == torch.uint8 else value_range
    x = ((x.detach().float() - low) / (high - low)).clamp(0, 1)
    x = x.expand(-1, 3, -1, -1) if kind == "faces" else x.mean(1, keepdim=True)
    size = (SIZE[kind],) * 2
    return x if x.shape[2:] == size else F.interpolate(x, size, mode="bilinear", antialias=True).clamp(0, 1)


@torch.no_grad()
def run(kind, x, value_range=(-1, 1), reader=None, chunk=250):
    """All outputs of a trained net for pictures (N, C, H, W), computed where the pictures are."""
    net, x = load(kind, newest(kind) if reader is None else reader), getattr(x, "x", x)
    net.to(x.device)
    parts = [net(prepare(part, kind, value_range)) for part in x.split(chunk)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def factors(out, net):
    """Turn a net's `read` (N, outputs) into factors in the units of the renderer."""
    read, result = out["read"], {}
    read = read * net.spread.to(read) + net.mean.to(read)
    for (name, kind), part in zip(READ.items(), read.split([width(n) for n in READ], 1), strict=True):
        if kind == "colour":
            result[name] = part.clamp(min=0).square()
        elif kind == "categorical":
            result[name] = part.softmax(1)
        else:
            result[name] = (part.sigmoid() if kind == "binary" else part)[:, 0]
    return result


def identity(factors, reader):
    """The identity factors side by side, each standardised (colours and style share one unit each)."""
    net = load("faces", reader)
    spreads = dict(zip(READ, net.spread.split([width(n) for n in READ]), strict=True))
    means = dict(zip(READ, net.mean.split([width(n) for n in READ]), strict=True))
    parts = []
    for name in IDENTITY:
        if name in HIDDEN and reader > 1:
            continue
        value = factors[name]
        if READ[name] == "colour":  # three numbers, together as weighty as one of the others
            value = (value.sqrt() - means[name].to(value)) / spreads[name].to(value)
        elif READ[name] == "number":
            value = ((value - means[name].to(value)) / spreads[name].to(value))[:, None]
        else:  # probabilities: a change from one style to another, or of glasses, moves by about one unit
            value = value.view(len(value), -1) * 1.4
        parts.append(value)
    return torch.cat(parts, 1)

"""Put a portrait together: body, painted face, clothes, hair and glasses, each where it is nearest to us.

Notation, here and in the files beside: n faces; S the picture's side in pixels while it is drawn; D depth
(n, S, S) towards us in head radii, FAR where nothing is; R rotations (n, 3, 3) of the heads; u, v, w head
coordinates: to the picture's right, up, out of the face; f factors (n,) or (n, k), as `shapes` completes
them; c those that are one number a face, as (n, 1, 1), to meet maps (n, h, w).
"""

from itertools import chain

import torch

from . import light, paint
from .geometry import (
    FAR,
    HIDDEN,
    PIVOT,
    Window,
    bell,
    cut,
    hair,
    neck,
    nose_lids_ears,
    over,
    plane,
    rotation,
    skull,
    step,
    surface,
    torso,
    weld,
)

SUPERSAMPLE = 2  # drawn so many times larger, then shrunk


def windows(size, device):
    """Return the rectangles of the picture in which the parts of a portrait can lie."""
    boxes = dict(
        frame=(),
        bust=(-1.2, 1.2, -1.6, 1.35),
        face=(-1.1, 1.1, -1.3, 0.85),
        mouth=(-0.95, 0.95, -1.3, -0.05),
        whiskers=(-1.1, 1.1, -1.3, 0.32),
        eyes=(-1.1, 1.1, -0.66, 0.85),
        glasses=(-1.32, 1.32, -0.62, 0.62),
        low=(-9, 9, -9, -0.85),
    )
    return {k: Window(size * SUPERSAMPLE, device, *box) for k, box in boxes.items()}


def shapes(f):
    """Add to the factors what is computed once a face rather than once a pixel."""
    R = rotation(f["yaw"], f["pitch"], f["roll"])
    locks, cap = hair(f)
    return {
        **f,
        "R": R,
        "cap": cap,
        "skull": surface(skull(f), R),
        "features": surface(nose_lids_ears(f), R),
        "throat": surface(neck(f)),
        "torso": surface(torso(f)),
        "locks": surface(locks, R),
        "worn": (locks[:, :, 4] > 1.5 * HIDDEN) | (torch.arange(locks.shape[1]) == 0),
    }


def traits(f):
    """Return what a face has that others lack (n, 5); a chunk of like faces skips what none of them has."""
    return torch.stack(
        [
            f["style"].argmax(1),
            f["fringe"] > 0,
            f["glasses"] > 0.5,
            (f["stubble"] > 0) | (f["moustache"] > 0) | (f["goatee"] > 0) | (f["beard"] > 0),
            f["cap"][:, 0] > -0.1,
        ],
        1,
    ).long()


def sheet(window, R, normal, offset):
    """Meet lines of sight with the head-fixed plane normal · p = offset: depth, head coordinates, facing.

    normal (n, 3) in head coordinates, offset (n,); facing (n, 1, 1) is positive when it looks at us.
    """
    d = (R @ normal[..., None])[..., 0, None, None]
    shift = offset - sum(normal[:, i] * PIVOT[i] for i in range(3))
    z = shift.view(-1, 1, 1) - d[:, 0] * (window.x - PIVOT[0]) - d[:, 1] * (window.y - PIVOT[1])
    z = z / torch.where(d[:, 2].abs() < 1e-3, 1e-3, d[:, 2]) + PIVOT[2]
    return z, *window.to_head(z, R), d[:, 2]


class Canvas:
    """Hold what is nearest to us at each pixel: depth, label, gloss (n, S, S), albedo (n, 3, S, S)."""

    def __init__(self, skin, S):
        shape, device = (len(skin), S, S), skin.device
        self.depth, self.label = torch.full(shape, FAR, device=device), torch.zeros(shape, device=device)
        self.albedo = plane(skin).repeat(1, 1, S, S)
        self.gloss = torch.full(shape, 0.10, device=device)

    def lay(self, z, colour, kind, shine, at=(...,)):
        """Put a further surface into the picture wherever it is nearer than what is there."""
        m = step(z - self.depth[at], 0.02)
        self.depth[at] = torch.maximum(z, self.depth[at])
        self.albedo[at] = over(self.albedo[at], colour, m[:, None])
        self.gloss[at] = over(self.gloss[at], shine, m)
        self.label[at] = over(self.label[at], kind, (m > 0.5).float())


def draw_skin(f, c, win, has, canvas):
    """Draw head and neck, then paint and emboss them inside the face's window."""
    bust, face, depth, label = win["bust"], win["face"], canvas.depth, canvas.label
    head = weld(chain([weld(bust.layers(f["skull"]), 0.22)], bust.layers(f["features"])), 0.08)
    depth[bust.at], inside = weld(chain([head], [weld(bust.layers(f["throat"]), 0.2)]), 0.08)
    uvw, bump, dark = face.to_head(depth[face.at], f["R"]), torch.zeros_like(depth), torch.zeros_like(depth)
    label[face.at] = paint.SKIN

    def touch(name, painter, *maps):
        window = win[name]
        coat, at = paint.Paint(canvas.albedo[window.at], label[window.at]), window.inside(face)
        return painter(f, c, *(t[at] for t in uvw), coat, *(t[window.at] for t in maps))

    touch("face", paint.paint_cheeks)
    if has["whiskers"]:
        canvas.gloss[win["whiskers"].at] -= 0.06 * touch("whiskers", paint.paint_whiskers, bump, dark)
    touch("mouth", paint.paint_mouth, bump)
    touch("eyes", paint.paint_eyes, bump, dark)
    canvas.albedo[face.at] *= (1 + dark[face.at])[:, None]
    canvas.gloss[face.at] += 0.10 * (label[face.at] == paint.MOUTH) - 0.06 * (label[face.at] == paint.EYES)
    depth += bump
    skin = torch.zeros_like(depth)
    skin[bust.at] = (inside >= 0).float()
    canvas.depth = cut(depth, skin)
    canvas.label = label.clamp_(min=paint.SKIN).mul_(skin)


def draw_clothes(f, c, window, canvas):
    """Draw clothes with a round neckline."""
    cloth, inside = weld(window.layers(f["torso"]), 0.2)
    dip = (window.x / 0.50) ** 2 + ((window.y + 1.10) / (0.17 + 0.20 * c["neckline"])) ** 2 - 1
    cloth = cloth + 0.05 * bell((dip - 0.25) / 0.25)
    band = step(torch.sin(24 * window.y + 0.5), 0.15) * c["stripes"] * (window.y < -1.12)
    cloth = cut(cloth, (inside >= 0) & (dip > 0))
    colour = over(plane(f["cloth"]), plane(f["trim"]), band[:, None])
    canvas.lay(cloth, colour, paint.CLOTHES, 0.02, window.at)


def draw_hair(f, c, window, canvas):
    """Draw hair: a cap that is cut along the hairline and at the nape, and locks that melt into it."""
    locks = window.layers(f["locks"])
    cap, inside = next(locks)
    thick, reach, allow, parted, melt = f["cap"][:, :, None, None].unbind(1)
    u, v, w = window.to_head(cap, f["R"])
    line = (
        0.66
        - c["hairline"]
        - 0.14 * c["fringe"] * allow
        + 0.10 * c["part"] * u
        - 0.12 * u * u
        + parted * (0.14 - 0.55 * (u - 0.25 * c["part"]).abs())
    )
    open_face = torch.minimum(line - v, 0.80 * c["head_w"] - u.abs() - 0.25 * (v - 0.2).clamp(max=0))
    open_face = open_face * step(w + 0.1, 0.2)
    nape = (1 - reach) * 3 * (0.12 - 1.1 * (-0.25 - w).clamp(min=0) - v)
    cap = cap - 1.2 * (torch.maximum(open_face, nape) + 0.02).clamp(min=0)
    top, inside = weld(chain([(cap, inside)], locks), melt)
    u, v, w = window.to_head(top, f["R"])
    angle = torch.atan2(u - 0.3 * c["part"] * v, w + 0.35)
    strand = torch.sin(22 * angle + 2 * torch.sin(3 * v + 5 * angle)) + 0.6 * torch.sin(41 * angle + 3 * v)
    curls = 2 * torch.sin(13 * u + 2 * torch.sin(7 * v)) * torch.sin(13 * v + 2 * torch.sin(7 * w))
    texture = over(strand, curls, c["curl"])
    top = top + 0.012 * texture + 0.02 * curls * c["curl"]
    top = cut(top, (inside >= 0) & (thick > -0.1))
    canvas.lay(top, plane(f["hair"]) * (1 + 0.18 * texture)[:, None], paint.HAIR, 0.16)


def draw_glasses(f, c, window, canvas):
    """Draw two rings and a bridge in a plane before the eyes, and a temple along either side of the head.

    Return what light.lenses needs of this window: where there is a lens, as (n, h, w) of 0 and 1, and u, v on
    its plane, v from the height of the eyes.
    """
    wear, unit = c["glasses"] > 0.5, torch.zeros_like(f["skin"])
    unit[:, 2] = 1
    z, u, v, _, _ = sheet(window, f["R"], unit, torch.full_like(f["yaw"], 0.92))
    v = v - c["eye_y"]
    across = (u.abs() - 1.03 * c["eye_x"]) / c["lens_size"] / 0.28
    up = (v + 0.01) / c["lens_size"] / (0.21 + 0.06 * c["lens_round"])
    across, up = across * across, up * up
    ring = over((across * across + up * up).sqrt(), across + up, c["lens_round"]) - 1
    rims = torch.maximum(0.20 - ring.abs(), 4 * torch.minimum(0.03 - (v - 0.05).abs(), 0.12 - u.abs()))
    lens = ((ring < -0.1) & wear & (canvas.depth[window.at] < z)).float()
    canvas.lay(cut(z + 0.02, wear & (rims > 0)), plane(f["frame"]), paint.GLASSES, 0.5, window.at)
    hinge, ear = 1.03 * f["eye_x"] + 0.28 * f["lens_size"], 0.87 * f["head_w"] + 0.05
    unit[:, 2] = (ear - hinge) / 1.05
    for side in (-1, 1):
        unit[:, 0] = side
        z, _, height, w, facing = sheet(window, f["R"], unit, hinge + 0.92 * unit[:, 2])
        bar = torch.minimum(0.03 - (height - c["eye_y"] - 0.06).abs(), 0.50 - (w - 0.45).abs()) > 0
        z = cut(z, wear & bar & (facing > 0))
        canvas.lay(z, plane(f["frame"]), paint.GLASSES, 0.5, window.at)
    return lens, u, v


def draw(f, win, size, has, full=False, material="life"):
    """Draw a chunk of faces: x uint8 (n, 3, size, size), mask uint8 (n, size, size).

    f is what `shapes` returns, win what `windows` returns; has["hair"], ["glasses"], ["whiskers"] say what
    occurs in the chunk. full adds depth, float, and sketch, uint8, both (n, 1, size, size). material "marble"
    draws a bust of stone.
    """
    c = {k: v[:, None, None] for k, v in f.items() if v.dim() == 1}
    frame, canvas = win["frame"], Canvas(f["skin"], size * SUPERSAMPLE)
    draw_skin(f, c, win, has, canvas)
    draw_clothes(f, c, win["low"], canvas)
    if has["hair"]:
        draw_hair(f, c, frame, canvas)
    if has["glasses"]:
        lens, u, v = draw_glasses(f, c, win["glasses"], canvas)
    albedo, label, hit = canvas.albedo, canvas.label, (canvas.depth > FAR / 2).float()
    D = canvas.depth.clamp_(min=-1.6)
    surface = albedo, canvas.gloss, label
    if material == "marble":
        surface = light.marble(albedo, label), torch.full_like(canvas.gloss, 0.2), torch.zeros_like(label)
    colour, nz = light.shade(f, c, D, *surface)
    if has["glasses"] and material == "life":
        at = win["glasses"].at
        light.lenses(f, c, colour[at], label[at], lens * hit[at], u, v)
    colour = light.film(over(light.wall(f, c, frame.x, frame.y), colour, hit[:, None]))
    nearest = slice(SUPERSAMPLE // 2, None, SUPERSAMPLE)
    out = dict(
        x=light.shrink(colour, size).mul_(255).round_().clamp_(0, 255).byte(),
        mask=label[:, nearest, nearest].byte(),
    )
    if full:
        out["depth"] = light.shrink(D, size)[:, None]
        out["sketch"] = light.shrink(light.ink(label, D, albedo, nz), size).mul_(255).round_().byte()
    return out

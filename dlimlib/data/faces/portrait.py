"""Puts a portrait together: body, painted face, clothes, hair and glasses, each where it is nearest to us."""

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
    rotation,
    skull,
    step,
    surface,
    torso,
    weld,
)

SUPERSAMPLE = 2  # drawn so many times larger, then shrunk


def windows(size, device):
    """The rectangles of the picture in which the parts of a portrait can lie."""
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
    """Everything that is computed once a face rather than once a pixel, added to the factors."""
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
    """What a face has that others lack (n, 5); a chunk of like faces can skip what none of them has."""
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
    """Where lines of sight meet the head-fixed plane normal · p = offset: depth, head coordinates and facing.

    normal (n, 3) in head coordinates, offset (n,); facing (n, 1, 1) is positive when it looks at us.
    """
    d = (R @ normal[..., None])[..., 0, None, None]
    shift = offset - sum(normal[:, i] * PIVOT[i] for i in range(3))
    z = shift.view(-1, 1, 1) - d[:, 0] * (window.x - PIVOT[0]) - d[:, 1] * (window.y - PIVOT[1])
    z = z / torch.where(d[:, 2].abs() < 1e-3, 1e-3, d[:, 2]) + PIVOT[2]
    return z, *window.to_head(z, R), d[:, 2]


def draw(f, win, size, has, full=False):
    """Draw a chunk of faces with `shapes`; has["hair"], ["glasses"], ["whiskers"] say what occurs in it."""
    n, S, R, device = len(f["yaw"]), size * SUPERSAMPLE, f["R"], f["R"].device
    c = {k: v[:, None, None] for k, v in f.items() if v.dim() == 1}
    frame, bust, face, low = win["frame"], win["bust"], win["face"], win["low"]

    def plane(v):
        return v.view(-1, 3, 1, 1)

    depth, label = torch.full((n, S, S), FAR, device=device), torch.zeros(n, S, S, device=device)
    albedo, gloss = plane(f["skin"]).repeat(1, 1, S, S), torch.full((n, S, S), 0.10, device=device)

    # -- skin: head and neck, then painted and embossed inside the face's window
    head = weld(chain([weld(bust.layers(f["skull"]), 0.22)], bust.layers(f["features"])), 0.08)
    depth[bust.at], inside = weld(chain([head], [weld(bust.layers(f["throat"]), 0.2)]), 0.08)
    uvw, bump, dark = face.to_head(depth[face.at], R), torch.zeros_like(depth), torch.zeros_like(depth)
    label[face.at] = paint.SKIN

    def touch(name, painter, *maps):
        window = win[name]
        coat, at = paint.Paint(albedo[window.at], label[window.at]), window.inside(face)
        return painter(f, c, *(t[at] for t in uvw), coat, *(t[window.at] for t in maps))

    touch("face", paint.paint_cheeks)
    if has["whiskers"]:
        gloss[win["whiskers"].at] -= 0.06 * touch("whiskers", paint.paint_whiskers, bump, dark)
    touch("mouth", paint.paint_mouth, bump)
    touch("eyes", paint.paint_eyes, bump, dark)
    albedo[face.at] *= (1 + dark[face.at])[:, None]
    gloss[face.at] += 0.10 * (label[face.at] == paint.MOUTH) - 0.06 * (label[face.at] == paint.EYES)
    depth += bump
    skin = torch.zeros_like(depth)
    skin[bust.at] = (inside >= 0).float()
    depth = cut(depth, skin)
    label = label.clamp_(min=paint.SKIN).mul_(skin)

    def lay(z, colour, kind, shine, at=(...,)):
        """Put a further surface into the picture wherever it is nearer than what is there."""
        m = step(z - depth[at], 0.02)
        depth[at] = torch.maximum(z, depth[at])
        albedo[at] = over(albedo[at], colour, m[:, None])
        gloss[at] = over(gloss[at], shine, m)
        label[at] = over(label[at], kind, (m > 0.5).float())

    # -- clothes with a round neckline
    cloth, inside = weld(low.layers(f["torso"]), 0.2)
    dip = (low.x / 0.50) ** 2 + ((low.y + 1.10) / (0.17 + 0.20 * c["neckline"])) ** 2 - 1
    cloth = cloth + 0.05 * bell((dip - 0.25) / 0.25)
    band = step(torch.sin(24 * low.y + 0.5), 0.15) * c["stripes"] * (low.y < -1.12)
    cloth = cut(cloth, (inside >= 0) & (dip > 0))
    lay(cloth, over(plane(f["cloth"]), plane(f["trim"]), band[:, None]), paint.CLOTHES, 0.02, low.at)

    # -- hair: a cap cut along the hairline, plus locks
    if has["hair"]:
        locks = frame.layers(f["locks"])
        cap, inside = next(locks)
        thick, reach, allow, parted, melt = f["cap"][:, :, None, None].unbind(1)
        hu, hv, hw = frame.to_head(cap, R)
        line = (
            0.66
            - c["hairline"]
            - 0.14 * c["fringe"] * allow
            + 0.10 * c["part"] * hu
            - 0.12 * hu * hu
            + parted * (0.14 - 0.55 * (hu - 0.25 * c["part"]).abs())
        )
        open_face = torch.minimum(
            line - hv, 0.80 * c["head_w"] - hu.abs() - 0.25 * (hv - 0.2).clamp(max=0)
        ) * step(hw + 0.1, 0.2)
        nape = (1 - reach) * 3 * (0.12 - 1.1 * (-0.25 - hw).clamp(min=0) - hv)
        cap = cap - 1.2 * (torch.maximum(open_face, nape) + 0.02).clamp(min=0)
        top, inside = weld(chain([(cap, inside)], locks), melt)
        hu, hv, hw = frame.to_head(top, R)
        az = torch.atan2(hu - 0.3 * c["part"] * hv, hw + 0.35)
        strand = torch.sin(22 * az + 2 * torch.sin(3 * hv + 5 * az)) + 0.6 * torch.sin(41 * az + 3 * hv)
        curls = 2 * torch.sin(13 * hu + 2 * torch.sin(7 * hv)) * torch.sin(13 * hv + 2 * torch.sin(7 * hw))
        texture = over(strand, curls, c["curl"])
        top = top + 0.012 * texture + 0.02 * curls * c["curl"]
        top = cut(top, (inside >= 0) & (thick > -0.1))
        lay(top, plane(f["hair"]) * (1 + 0.18 * texture)[:, None], paint.HAIR, 0.16)

    # -- glasses: two rings and a bridge in a plane before the eyes, a temple along either side
    if has["glasses"]:
        glass, wear = win["glasses"], c["glasses"] > 0.5
        unit = torch.zeros_like(f["skin"])
        unit[:, 2] = 1
        gz, gu, gv, _, _ = sheet(glass, R, unit, torch.full_like(f["yaw"], 0.92))
        gv = gv - c["eye_y"]
        lx = (gu.abs() - 1.03 * c["eye_x"]) / c["lens_size"] / 0.28
        ly = (gv + 0.01) / c["lens_size"] / (0.21 + 0.06 * c["lens_round"])
        lx, ly = lx * lx, ly * ly
        ring = over((lx * lx + ly * ly).sqrt(), lx + ly, c["lens_round"]) - 1
        rims = torch.maximum(0.20 - ring.abs(), 4 * torch.minimum(0.03 - (gv - 0.05).abs(), 0.12 - gu.abs()))
        lens = ((ring < -0.1) & wear & (depth[glass.at] < gz)).float()
        front = cut(gz + 0.02, wear & (rims > 0))
        lay(front, plane(f["frame"]), paint.GLASSES, 0.5, glass.at)
        hinge, ear = 1.03 * f["eye_x"] + 0.28 * f["lens_size"], 0.87 * f["head_w"] + 0.05
        unit[:, 2] = (ear - hinge) / 1.05
        for side in (-1, 1):
            unit[:, 0] = side
            z, _, v, w, facing = sheet(glass, R, unit, hinge + 0.92 * unit[:, 2])
            bar = torch.minimum(0.03 - (v - c["eye_y"] - 0.06).abs(), 0.50 - (w - 0.45).abs()) > 0
            z = cut(z, wear & bar & (facing > 0))
            lay(z, plane(f["frame"]), paint.GLASSES, 0.5, glass.at)

    # -- light, then lenses before it and a wall behind it
    hit = (depth > FAR / 2).float()
    D = depth.clamp_(min=-1.6)
    colour, nz = light.shade(f, c, D, albedo, gloss, label)
    if has["glasses"]:
        light.lenses(f, c, colour[glass.at], label[glass.at], lens * hit[glass.at], gu, gv)
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

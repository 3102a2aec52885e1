"""What is painted on a face and embossed into it: eyes, brows, lips, whiskers, freckles.

Everything is drawn in head coordinates: u to the picture's right, v up, w out of the face.
"""

import torch

from .geometry import bell, constant, over, step

MASK_CLASSES = ["background", "skin", "hair", "eyes", "brows", "mouth", "glasses", "clothes", "beard"]
BACKGROUND, SKIN, HAIR, EYES, BROWS, MOUTH, GLASSES, CLOTHES, BEARD = range(9)


class Paint:
    """Lay paint over a window of albedo (n, 3, h, w) and label (n, h, w), in place."""

    def __init__(self, albedo, label):
        self.albedo, self.label = albedo, label

    def add(self, coverage, colour, label=None):
        """Cover with a colour, (n, 3) or three numbers, and where that is more than half, with a class."""
        colour = colour if torch.is_tensor(colour) else constant(coverage.device, *colour)
        self.albedo.lerp_(colour.view(-1, 3, 1, 1), coverage[:, None])
        if label is not None:
            self.label.lerp_(constant(coverage.device, label), (coverage > 0.5).float())


def tinted(colour, *factor):
    """Multiply colours (n, 3) by three numbers."""
    return colour * constant(colour.device, *factor)


def brow_colour(f):
    """Return the hair's colour (n, 3), but muted and always darker than the skin."""
    hair = f["hair"] * 0.55
    colour = over(hair, hair.mean(1, True), 0.45) * 0.8 + constant(hair.device, 0.030, 0.016, 0.010) * 0.3
    return colour * (0.34 * f["skin"].mean(1, True) / colour.mean(1, True)).clamp(max=1)


def beard_colour(f):
    """Return the hair's colour (n, 3), at most about as light as the skin."""
    return f["hair"] * 0.9 * (0.75 * f["skin"].mean(1, True) / f["hair"].mean(1, True)).clamp(max=1)


def paint_cheeks(f, c, u, v, w, paint):
    """Paint blush on cheeks, nose and ears, freckles, nostrils."""
    front, au, skin = step(w - 0.12, 0.2), u.abs(), f["skin"]
    flush = (
        (0.25 + 0.5 * c["blush"]) * bell((au - 0.45) / 0.20, (v + 0.30) / 0.16)
        + 0.30 * bell(u / 0.14, (v + 0.25) / 0.13)
        + 0.35 * step(au - 0.80, 0.1)
    )
    paint.add(0.55 * flush, tinted(skin, 1.0, 0.45, 0.38))
    spots = torch.sin(31 * u + 9 * torch.sin(17 * v)) * torch.sin(29 * v + 8 * torch.sin(19 * u))
    spots = step(spots - 0.7, 0.3) * bell((au - 0.28) / 0.3, (v + 0.16) / 0.13)
    paint.add(0.45 * c["freckles"] * spots, tinted(skin, 0.62, 0.42, 0.32))
    tip = -0.25 * c["nose_l"]
    across, up = (au - 0.07 * c["nose_w"]) / (0.042 * c["nose_w"]), (v - tip + 0.10) / 0.024
    nostril = step(1 - across**2 - up**2, 0.8)
    paint.add(0.55 * nostril * front, tinted(skin, 0.40, 0.24, 0.20))


def mouth_shape(c, u, v):
    """Return t along the mouth (-1 … 1), height dv over the seam, opening above and below, lips' edges."""
    smile, grin, gape = c["smile"], c["smile"].clamp(min=0), c["open"]
    t = u / (0.31 * c["mouth_w"] * (1 + 0.22 * grin - 0.10 * gape))
    e = (1 - t * t).clamp_(min=1e-6)
    root = e.sqrt()
    # at rest the corners already point up a little: a straight seam on a domed face looks glum
    dv = v + (0.58 * c["head_h"] - c["mouth_y"]) - (0.10 * smile + 0.025) * (t * t - 0.5).clamp_(max=1.0)
    above, below = gape * 0.045 * e, gape * (0.12 + 0.10 * grin) * root
    full = 0.5 * (e + root)
    upper = above + 0.055 * c["lips"] * full * (1 - 0.25 * bell(t / 0.18)) + 0.004
    lower = below + 0.080 * c["lips"] * full
    return t, dv, above, below, upper, lower


def paint_whiskers(f, c, u, v, w, paint, bump, dark):
    """Paint stubble as a shadow, moustache, goatee and beard as raised hair; return where hair is."""
    front, au, hair = step(w - 0.12, 0.2), u.abs(), beard_colour(f)
    t, dv, _, _, upper, lower = mouth_shape(c, u, v)
    my = c["mouth_y"] - 0.58 * c["head_h"]
    lips = torch.minimum(upper + 0.015 - dv, dv + lower + 0.015).minimum(0.15 * (1.03 - t.abs()))
    clear = step(lips.neg_(), 0.03)
    chin_only = step(w - 0.12 - 0.9 * (-0.55 - v).clamp(min=0), 0.15)
    jawline = (
        step(-0.52 + 1.0 * au * au - v, 0.16)
        * step(w + 0.25 + 0.9 * (v + 0.30).clamp(max=0), 0.1)
        * chin_only.maximum((v > -0.4).float())
        * step(0.80 * c["head_w"] - au, 0.06)
    )
    paint.add(0.28 * c["stubble"] * jawline * clear, f["skin"] * 0.45 + hair * 0.25)
    middle = my + 0.135 + 0.04 * c["smile"] * t * t - 0.6 * au * au
    tache = (
        step(0.055 * c["moustache"] + 0.01 - (v - middle).abs(), 0.04)
        * step(0.34 - au, 0.08)
        * (c["moustache"] > 0)
    )
    tuft = step(1 - (u / 0.25) ** 2 - ((v - my + 0.33) / 0.22) ** 2, 0.4) * (c["goatee"] > 0) * chin_only
    whiskers = torch.maximum(torch.maximum(tache * front, tuft), jawline * (c["beard"] > 0)) * clear
    grain = torch.sin(40 * u + 3 * torch.sin(9 * v)) * torch.sin(13 * v + 3 * torch.sin(11 * u))
    bump += whiskers * (0.06 + 0.010 * grain)
    dark += 0.12 * grain * whiskers
    paint.add(whiskers, hair, BEARD)
    return whiskers


def paint_mouth(f, c, u, v, w, paint, bump):
    """Paint a curved seam that opens above and below, tongue and teeth in it, lips around it."""
    front, grin, gape, skin = step(w - 0.12, 0.2), c["smile"].clamp(min=0), c["open"], f["skin"]
    t, dv, above, below, upper, lower = mouth_shape(c, u, v)
    at = t.abs()
    wide = step(1.03 - at, 0.06) * front
    lips = step(torch.minimum(upper - dv, dv + lower), 0.03) * wide
    inner = step(torch.minimum(above - dv, dv + below)) * wide * step(gape - 0.05, 0.05)
    bare, red = constant(u.device, 0.90, 0.56, 0.52), constant(u.device, 0.92, 0.34, 0.36)
    rose = torch.lerp(bare, red, f["lip_red"][:, None])
    paint.add(lips, skin * rose, MOUTH)
    paint.add(inner, (0.10, 0.015, 0.018), MOUTH)
    tongue = step(1 - (t / 0.6) ** 2 - ((dv + below) / (0.10 * gape + 0.01)) ** 2, 0.3)
    paint.add(inner * tongue, (0.50, 0.12, 0.12), MOUTH)
    teeth = dv - above + (0.5 * (above + below)).clamp_(max=0.07) * (1 - 0.6 * t * t)
    paint.add(inner * step(teeth) * step(0.86 - at, 0.12), (0.86, 0.83, 0.78), MOUTH)
    seam = step(0.011 - dv.abs()) * step(1.10 - at, 0.08) * front * step(0.08 - gape, 0.05)
    paint.add(0.75 * seam, skin * rose * 0.35, MOUTH)
    bump += (
        lips * 0.03 * (1 - inner) - 0.05 * inner - 0.02 * front * bell((at - 1.12) / 0.12, dv / 0.06) * grin
    )


def paint_eyes(f, c, u, v, w, paint, bump, dark):
    """Paint almonds between two lids, then white, iris, pupil, glint and lashes; a brow above each."""
    front, grin, skin, brows = step(w - 0.12, 0.2), c["smile"].clamp(min=0), f["skin"], brow_colour(f)
    glint_x = 0.045 * c["light_x"]
    for side in (-1, 1):
        du, y = (u - side * c["eye_x"]) * side, v - c["eye_y"]
        dy = y - c["eye_tilt"] * du
        a, b = 0.225 * c["eye_size"], 0.170 * c["eye_size"]
        s = du / a
        arc = (1 - s * s).clamp_(min=1e-6)
        low = arc * (-0.60 * b * (1 - 0.30 * grin))
        top = torch.lerp(arc.sqrt() * (0.6 + 0.4 * arc) * b, 0.9 * low, c["blink"])
        near = step(1.02 - s.abs(), 0.06) * front
        eye = step(torch.minimum(top - dy, dy - low)) * near
        ix, iy = du * side - 0.07 * c["gaze_x"], dy - 0.040 * c["gaze_y"] - 0.020
        r = torch.sqrt(ix * ix + iy * iy) / (0.145 * c["eye_size"])
        dark -= 0.40 * eye * step(dy - top + 0.05, 0.12)  # the lid's shadow
        socket = (bell(du / (1.3 * a), dy / (1.6 * b)) - 0.04).clamp_(min=0)
        bump -= 0.05 * socket * front + 0.02 * eye
        paint.add(eye, (0.90, 0.89, 0.87), EYES)
        paint.add(eye * step(1 - r, 0.14), f["iris"] * 0.42)
        paint.add(eye * step(0.82 - r, 0.2) * step(0.10 - iy, 0.35), f["iris"] * 1.5 + 0.015)
        paint.add(eye * step(0.50 - r, 0.14), (0.010, 0.008, 0.008))
        glint = 0.040 - torch.sqrt((ix - glint_x) ** 2 + (iy - 0.05) ** 2)
        paint.add(eye * step(glint, 0.025), (1.2, 1.2, 1.2))
        crease = step(0.012 - (dy - top - 0.07 * c["eye_size"]).abs(), 0.03) * near
        paint.add(0.35 * crease * (1 - c["blink"]), tinted(skin, 0.5, 0.34, 0.3))
        lash = step(0.012 + 0.014 * c["lashes"] * (1 + s) - (dy - top - 0.006).abs())
        lash = lash * step(1.10 - s.abs(), 0.1) * front
        paint.add(lash * (0.55 + 0.45 * c["lashes"]), (0.025, 0.015, 0.012), EYES)
        s = (du + 0.01) / 0.25
        arc = (
            0.285
            + c["brow_y"]
            + 0.05 * c["brow_up"]
            + 0.12 * (c["eye_size"] - 1)
            + 0.035 * c["brow_in"] * s
            + 0.06 * c["brow_arch"] * (1 - s * s)
        )
        brow = step(0.038 * c["brow_t"] * (1 - 0.4 * s) - (y - arc).abs(), 0.025)
        brow = brow * step(1 - s.abs(), 0.16) * front
        bump += 0.025 * brow
        paint.add(0.9 * brow, brows, BROWS)

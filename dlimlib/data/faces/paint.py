"""What is painted on a face and embossed into it: eyes, brows, lips, whiskers, freckles.

Everything is drawn in head coordinates: u to the picture's right, v up, w out of the face.
"""
import torch

from .geometry import bell, constant, over, step

CLASSES = ["background", "skin", "hair", "eyes", "brows", "mouth", "glasses", "clothes", "beard"]
BACKGROUND, SKIN, HAIR, EYES, BROWS, MOUTH, GLASSES, CLOTHES, BEARD = range(9)


class Paint:
    """Lays paint over a window of albedo (n, 3, h, w) and label (n, h, w), in place."""

    def __init__(self, albedo, label):
        self.albedo, self.label = albedo, label

    def add(self, coverage, colour, label=None):
        """Cover with a colour, (n, 3) or three numbers, and where that is more than half, with a class."""
        colour = colour if torch.is_tensor(colour) else constant(coverage.device, *colour)
        self.albedo.lerp_(colour.view(-1, 3, 1, 1), coverage[:, None])
        if label is not None:
            self.label.lerp_(constant(coverage.device, label), (coverage > .5).float())


def tinted(colour, *factor):
    """Colours (n, 3) times three numbers."""
    return colour * constant(colour.device, *factor)


def brow_colour(f):
    """The hair's colour, but muted and always darker than the skin."""
    hair = f["hair"] * .55
    colour = over(hair, hair.mean(1, True), .45) * .8 + constant(hair.device, .030, .016, .010) * .3
    return colour * (.34 * f["skin"].mean(1, True) / colour.mean(1, True)).clamp(max=1)


def beard_colour(f):
    """The hair's colour, at most about as light as the skin."""
    return f["hair"] * .9 * (.75 * f["skin"].mean(1, True) / f["hair"].mean(1, True)).clamp(max=1)


def paint_cheeks(f, c, u, v, w, paint):
    """Blush on cheeks, nose and ears, freckles, nostrils."""
    front, au, skin = step(w - .12, .2), u.abs(), f["skin"]
    flush = (.25 + .5 * c["blush"]) * bell((au - .45) / .20, (v + .30) / .16) \
        + .30 * bell(u / .14, (v + .25) / .13) + .35 * step(au - .80, .1)
    paint.add(.55 * flush, tinted(skin, 1., .45, .38))
    spots = torch.sin(31 * u + 9 * torch.sin(17 * v)) * torch.sin(29 * v + 8 * torch.sin(19 * u))
    spots = step(spots - .7, .3) * bell((au - .28) / .3, (v + .16) / .13)
    paint.add(.45 * c["freckles"] * spots, tinted(skin, .62, .42, .32))
    tip = -.25 * c["nose_l"]
    across, up = (au - .07 * c["nose_w"]) / (.042 * c["nose_w"]), (v - tip + .10) / .024
    nostril = step(1 - across ** 2 - up ** 2, .8)
    paint.add(.55 * nostril * front, tinted(skin, .40, .24, .20))


def mouth_shape(c, u, v):
    """Of the mouth: t along it (-1 … 1), height dv over the seam, opening above and below, lips' edges."""
    smile, grin, gape = c["smile"], c["smile"].clamp(min=0), c["open"]
    t = u / (.31 * c["mouth_w"] * (1 + .22 * grin - .10 * gape))
    e = (1 - t * t).clamp_(min=1e-6)
    root = e.sqrt()
    # at rest the corners already point up a little: a straight seam on a domed face looks glum
    dv = v + (.58 * c["head_h"] - c["mouth_y"]) - (.10 * smile + .025) * (t * t - .5).clamp_(max=1.)
    above, below = gape * .045 * e, gape * (.12 + .10 * grin) * root
    full = .5 * (e + root)
    upper = above + .055 * c["lips"] * full * (1 - .25 * bell(t / .18)) + .004
    lower = below + .080 * c["lips"] * full
    return t, dv, above, below, upper, lower


def paint_whiskers(f, c, u, v, w, paint, bump, dark):
    """Stubble as a shadow; moustache, goatee and beard as raised hair. Returns where hair is."""
    front, au, hair = step(w - .12, .2), u.abs(), beard_colour(f)
    t, dv, _, _, upper, lower = mouth_shape(c, u, v)
    my = c["mouth_y"] - .58 * c["head_h"]
    lips = torch.minimum(upper + .015 - dv, dv + lower + .015).minimum(.15 * (1.03 - t.abs()))
    clear = step(lips.neg_(), .03)
    chin_only = step(w - .12 - .9 * (-.55 - v).clamp(min=0), .15)
    jawline = step(-.52 + 1.0 * au * au - v, .16) * step(w + .25 + .9 * (v + .30).clamp(max=0), .1) \
        * chin_only.maximum((v > -.4).float()) * step(.80 * c["head_w"] - au, .06)
    paint.add(.28 * c["stubble"] * jawline * clear, f["skin"] * .45 + hair * .25)
    middle = my + .135 + .04 * c["smile"] * t * t - .6 * au * au
    tache = step(.055 * c["moustache"] + .01 - (v - middle).abs(), .04) * step(.34 - au, .08) \
        * (c["moustache"] > 0)
    tuft = step(1 - (u / .25) ** 2 - ((v - my + .33) / .22) ** 2, .4) * (c["goatee"] > 0) * chin_only
    whiskers = torch.maximum(torch.maximum(tache * front, tuft), jawline * (c["beard"] > 0)) * clear
    grain = torch.sin(40 * u + 3 * torch.sin(9 * v)) * torch.sin(13 * v + 3 * torch.sin(11 * u))
    bump += whiskers * (.06 + .010 * grain)
    dark += .12 * grain * whiskers
    paint.add(whiskers, hair, BEARD)
    return whiskers


def paint_mouth(f, c, u, v, w, paint, bump):
    """A curved seam that opens above and below, tongue and teeth in it, lips around it."""
    front, grin, gape, skin = step(w - .12, .2), c["smile"].clamp(min=0), c["open"], f["skin"]
    t, dv, above, below, upper, lower = mouth_shape(c, u, v)
    at = t.abs()
    wide = step(1.03 - at, .06) * front
    lips = step(torch.minimum(upper - dv, dv + lower), .03) * wide
    inner = step(torch.minimum(above - dv, dv + below)) * wide * step(gape - .05, .05)
    bare, red = constant(u.device, .90, .56, .52), constant(u.device, .92, .34, .36)
    rose = torch.lerp(bare, red, f["lip_red"][:, None])
    paint.add(lips, skin * rose, MOUTH)
    paint.add(inner, (.10, .015, .018), MOUTH)
    tongue = step(1 - (t / .6) ** 2 - ((dv + below) / (.10 * gape + .01)) ** 2, .3)
    paint.add(inner * tongue, (.50, .12, .12), MOUTH)
    teeth = dv - above + (.5 * (above + below)).clamp_(max=.07) * (1 - .6 * t * t)
    paint.add(inner * step(teeth) * step(.86 - at, .12), (.86, .83, .78), MOUTH)
    seam = step(.011 - dv.abs()) * step(1.10 - at, .08) * front * step(.08 - gape, .05)
    paint.add(.75 * seam, skin * rose * .35, MOUTH)
    bump += lips * .03 * (1 - inner) - .05 * inner - .02 * front * bell((at - 1.12) / .12, dv / .06) * grin


def paint_eyes(f, c, u, v, w, paint, bump, dark):
    """Almonds between two lids, then white, iris, pupil, glint and lashes; a brow above each."""
    front, grin, skin, brows = step(w - .12, .2), c["smile"].clamp(min=0), f["skin"], brow_colour(f)
    glint_x = .045 * c["light_x"]
    for side in (-1, 1):
        du, y = (u - side * c["eye_x"]) * side, v - c["eye_y"]
        dy = y - c["eye_tilt"] * du
        a, b = .225 * c["eye_size"], .170 * c["eye_size"]
        s = du / a
        arc = (1 - s * s).clamp_(min=1e-6)
        low = arc * (-.60 * b * (1 - .30 * grin))
        top = torch.lerp(arc.sqrt() * (.6 + .4 * arc) * b, .9 * low, c["blink"])
        near = step(1.02 - s.abs(), .06) * front
        eye = step(torch.minimum(top - dy, dy - low)) * near
        ix, iy = du * side - .07 * c["gaze_x"], dy - .040 * c["gaze_y"] - .020
        r = torch.sqrt(ix * ix + iy * iy) / (.145 * c["eye_size"])
        dark -= .40 * eye * step(dy - top + .05, .12)                     # the lid's shadow
        socket = (bell(du / (1.3 * a), dy / (1.6 * b)) - .04).clamp_(min=0)
        bump -= .05 * socket * front + .02 * eye
        paint.add(eye, (.90, .89, .87), EYES)
        paint.add(eye * step(1 - r, .14), f["iris"] * .42)
        paint.add(eye * step(.82 - r, .2) * step(.10 - iy, .35), f["iris"] * 1.5 + .015)
        paint.add(eye * step(.50 - r, .14), (.010, .008, .008))
        glint = .040 - torch.sqrt((ix - glint_x) ** 2 + (iy - .05) ** 2)
        paint.add(eye * step(glint, .025), (1.2, 1.2, 1.2))
        crease = step(.012 - (dy - top - .07 * c["eye_size"]).abs(), .03) * near
        paint.add(.35 * crease * (1 - c["blink"]), tinted(skin, .5, .34, .3))
        lash = step(.012 + .014 * c["lashes"] * (1 + s) - (dy - top - .006).abs())
        lash = lash * step(1.10 - s.abs(), .1) * front
        paint.add(lash * (.55 + .45 * c["lashes"]), (.025, .015, .012), EYES)
        s = (du + .01) / .25
        arc = .285 + c["brow_y"] + .05 * c["brow_up"] + .12 * (c["eye_size"] - 1) + .035 * c["brow_in"] * s \
            + .06 * c["brow_arch"] * (1 - s * s)
        brow = step(.038 * c["brow_t"] * (1 - .4 * s) - (y - arc).abs(), .025)
        brow = brow * step(1 - s.abs(), .16) * front
        bump += .025 * brow
        paint.add(.9 * brow, brows, BROWS)

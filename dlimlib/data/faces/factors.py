"""Who it is and how we meet them: the factors of a portrait and how they are drawn at random.

Each picture owns one row of uniform numbers, which quantile functions turn into factors: row i depends on
(seed, i) alone, and the identity never sees the numbers that the scene is made of.
"""

import operator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

ROW, ONLY_IDENTITY = 160, 128  # uniform numbers a picture, the first of them for the identity
LOCKS = 19  # the most ellipsoids that a hair style is built of
Factors = dict[str, torch.Tensor]  # name -> (n, …)


# ---------------------------------------------------------------------------- colours (in linear light)
def rgb(*hexes):
    """Return colours like 'f2c8aa' as a table (len, 3) of linear light."""
    return torch.tensor([[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] for h in hexes]) ** 2


SKIN = rgb("f3cdb6", "efc2a2", "e4ae86", "d3966a", "b87b50", "955e3e", "784b34", "5f3e2d")
HAIR = rgb(
    "1a1411",
    "2d1d15",
    "4d2f1d",
    "734a2a",
    "9a6534",
    "c99c55",
    "e3c582",
    "a84a24",
    "7f2a1c",
    "9c9c9f",
    "d6d4d2",
)
#            black  dark  brown light  ...   blond      red        (grey and white come with age)
HAIR_PROBABILITIES = torch.tensor(
    [
        [0.08, 0.12, 0.18, 0.16, 0.12, 0.12, 0.09, 0.09, 0.04],  # skin: fair
        [0.32, 0.24, 0.18, 0.12, 0.06, 0.02, 0.00, 0.03, 0.03],  # middle
        [0.50, 0.28, 0.14, 0.04, 0.02, 0.00, 0.00, 0.00, 0.02],  # dark
    ]
)
DYED = rgb("e07aa9", "5b8fd0", "45ad92", "9a72cc")
IRIS = rgb("33190f", "54301a", "79532a", "66803f", "5c8ea6", "4a74ae", "7f8b92")
IRIS_PROBABILITIES = torch.tensor(
    [
        [0.12, 0.18, 0.18, 0.18, 0.18, 0.08, 0.08],
        [0.34, 0.34, 0.20, 0.08, 0.04, 0.00, 0.00],
        [0.52, 0.38, 0.10, 0.00, 0.00, 0.00, 0.00],
    ]
)
CLOTH = rgb(
    "d14d41", "3465a0", "e8b93f", "3f8a62", "7450a0", "efeadf", "34363e", "e08a5e", "74b4c4", "d386a8"
)
FRAME = rgb("22242a", "3a2a20", "5b3520", "2b3b55", "7a2430", "6d6f74", "34363e", "8a5a2c")


def along(palette, t):
    """Read a palette at positions t in [0, 1], between two entries in proportion."""
    t = t.clamp(0, 1) * (len(palette) - 1)
    i = t.long().clamp(max=len(palette) - 2)
    return torch.lerp(palette[i], palette[i + 1], (t - i)[:, None])


def hsv(hue, saturation, value):
    """Turn hue, saturation and value (n,) in [0, 1] into colours (n, 3) in linear light."""
    k = (torch.tensor([5.0, 3.0, 1.0]) + hue[:, None] * 6) % 6
    return (value[:, None] * (1 - saturation[:, None] * torch.minimum(k, 4 - k).clamp(0, 1))) ** 2


# ---------------------------------------------------------------------------- random numbers
def uniforms(n, seed, start=0, stream=0):
    """Return rows start … start + n - 1 of a seed's endless table (…, ROW) of uniform numbers in [0, 1)."""
    try:
        seed, n, start = operator.index(seed), operator.index(n), operator.index(start)
    except TypeError:
        raise TypeError(f"n, seed and start must be whole numbers, got {n!r}, {seed!r}, {start!r}") from None
    if min(seed, n, start) < 0 or seed >= 2**64:
        raise ValueError(f"n, seed and start must not be negative, got {n}, {seed}, {start}")
    bits = np.random.Philox(key=seed + (stream << 64))  # a counter-based generator can start anywhere
    bits.advance(start * ROW // 4)  # and makes four numbers a count
    return torch.from_numpy(np.random.Generator(bits).random((n, ROW)))


class Draw:
    """Turn the columns of a table (n, K) of uniform numbers, one after another, into random values (n,)."""

    def __init__(self, table):
        self.columns = iter(table.unbind(1))

    def uniform(self, lo=0.0, hi=1.0):
        return (lo + (hi - lo) * next(self.columns)).float()

    def normal(self, mean, std):
        return (mean + std * torch.special.ndtri(next(self.columns)).clamp(-2.2, 2.2)).float()

    def coin(self, p):
        return (next(self.columns) < p).float()

    def index(self, weights):
        """Choose from 0 … K - 1 in proportion to weights (K,) or (n, K)."""
        upto = torch.as_tensor(weights, dtype=torch.double).cumsum(-1)
        u = next(self.columns)[:, None] * upto[..., -1:]
        return (u >= upto).sum(-1).clamp(max=upto.shape[-1] - 1)


# ---------------------------------------------------------------------------- identity
class HairStyle(NamedTuple):
    """Hold how often a style is worn, and the cap of hair on the skull that all its locks grow from."""

    women: float  # share of them who wear it
    men: float
    thickness: float  # of the cap, in head radii; below 0 it lies inside the skull
    reach: float  # how far below the ears it goes, from 0 to 1
    fringe: float  # 1 where a fringe may hang into the forehead
    parted: float
    melt: float  # distance below which locks melt into one another


STYLES = {
    "bald": HairStyle(0.00, 0.09, -0.30, 0.0, 0.0, 0.0, 0.08),
    "crop": HairStyle(0.05, 0.24, 0.06, 0.0, 1.0, 0.0, 0.20),
    "quiff": HairStyle(0.02, 0.22, 0.06, 0.0, 0.0, 0.0, 0.10),
    "curls": HairStyle(0.08, 0.16, 0.08, 0.1, 0.0, 0.0, 0.08),
    "afro": HairStyle(0.10, 0.10, 0.15, 0.3, 0.0, 0.0, 0.18),
    "curtain": HairStyle(0.11, 0.08, 0.10, 0.6, 0.0, 1.0, 0.20),
    "bob": HairStyle(0.15, 0.01, 0.13, 1.0, 1.0, 1.0, 0.22),
    "long": HairStyle(0.15, 0.02, 0.12, 1.0, 1.0, 1.0, 0.22),
    "wavy": HairStyle(0.14, 0.01, 0.13, 1.0, 1.0, 1.0, 0.22),
    "bun": HairStyle(0.10, 0.02, 0.06, 0.2, 1.0, 0.4, 0.14),
    "pigtails": HairStyle(0.08, 0.00, 0.07, 0.2, 1.0, 0.7, 0.10),
    "mohawk": HairStyle(0.02, 0.05, 0.02, 0.0, 0.0, 0.0, 0.08),
}
BY_STYLE = HairStyle(*torch.tensor(list(STYLES.values())).T)  # each field as a tensor (styles,)


def identity_factors(table):
    """Turn uniform numbers (n, ROW) into who it is: everything that stays with a person."""
    d = Draw(table[:, :ONLY_IDENTITY])
    masc, age, tone = d.uniform(), d.uniform(), d.uniform()
    man, shade = (masc > 0.5).float(), (tone * 3).long().clamp(max=2)
    style = d.index(torch.stack([BY_STYLE.women, BY_STYLE.men])[man.long()])
    natural = HAIR[d.index(HAIR_PROBABILITIES[shade])]
    grey = (torch.lerp(HAIR[9], HAIR[10], d.uniform()[:, None]), (age > 0.85).float() * d.coin(0.75))
    dyed = (DYED[d.index([1.0] * 4)], (age < 0.6).float() * d.coin(0.09))
    hair = natural
    for colour, chosen in (grey, dyed):
        hair = torch.lerp(hair, colour, chosen[:, None])
    curly = ((style == list(STYLES).index("curls")) | (style == list(STYLES).index("afro"))).float()
    whiskers = man * d.coin(0.45) * (BY_STYLE.reach[style] < 0.9)  # not with long hair
    kind = d.index([0.35, 0.15, 0.2, 0.3])  # stubble, moustache, goatee, full beard
    return dict(
        masc=masc,
        age=age,
        tone=tone,
        skin=along(SKIN, tone),
        head_w=d.normal(1, 0.065),
        head_h=d.normal(1, 0.05),
        jaw=d.normal(0.97, 0.10) + 0.12 * (masc - 0.5),
        chin=d.normal(1, 0.10),
        cheek=d.normal(1, 0.08),
        ear=d.normal(1, 0.12),
        neck=d.normal(0.86, 0.05) + 0.2 * masc,
        nose_w=d.normal(1.02, 0.18),
        nose_l=d.normal(0.98, 0.14),
        eye_x=d.normal(0.365, 0.018),
        eye_y=d.normal(0, 0.025),
        eye_size=d.normal(1.17, 0.08) - 0.12 * masc,
        eye_tilt=d.normal(0.06, 0.07),
        iris=IRIS[d.index(IRIS_PROBABILITIES[shade])] * d.uniform(0.85, 1.2)[:, None],
        lashes=d.uniform(0, 0.3) + 0.7 * (1 - man),
        brow_t=d.normal(0.76, 0.11) + 0.36 * masc,
        brow_y=d.normal(0.01, 0.025),
        brow_arch=d.normal(0.75, 0.25) - 0.25 * masc,
        mouth_w=d.normal(1.02, 0.09),
        mouth_y=d.normal(0, 0.02),
        lips=d.normal(1.15, 0.18) - 0.35 * masc,
        lip_red=d.uniform(0, 0.3) + 0.6 * (1 - man) * d.uniform(),
        blush=d.uniform(),
        freckles=d.coin(0.2) * d.uniform(0.4, 1) * (tone < 0.5),
        style=F.one_hot(style, len(STYLES)).float(),
        hair=hair,
        volume=d.normal(1, 0.11),
        length=d.uniform(),
        curl=torch.where(curly > 0, d.uniform(0.7, 1), d.uniform(0, 0.25)),
        part=d.uniform(-1, 1),
        fringe=d.coin(0.45) * d.uniform(0.5, 1),
        hairline=d.normal(0, 0.03) + 0.10 * man * age,
        stubble=whiskers * d.uniform(0.3, 1) * (kind != 1),
        moustache=whiskers * (kind != 0) * d.uniform(0.6, 1),
        goatee=whiskers * (kind >= 2),
        beard=whiskers * (kind == 3) * d.uniform(0.6, 1),
        glasses=d.coin(0.26),
        lens_round=d.uniform(),
        lens_size=d.normal(1.06, 0.06),
        shades=d.coin(0.16),
        frame=torch.where(
            d.coin(0.25)[:, None] > 0, CLOTH[d.index([1.0] * len(CLOTH))], FRAME[d.index([1.0] * len(FRAME))]
        )
        * d.uniform(0.6, 1)[:, None],
        jitter=torch.stack([d.normal(0, 1) for _ in range(3 * LOCKS)], 1).clamp(-2, 2).view(-1, LOCKS, 3),
    )


# ---------------------------------------------------------------------------- scene
def scene_factors(table):
    """Turn uniform numbers (n, ROW) into how we meet them: pose, expression, light, clothes, surroundings."""
    d = Draw(table[:, ONLY_IDENTITY:])
    yaw, pitch, smile, hue = (
        d.normal(0, 0.30),
        d.normal(0, 0.09),
        d.normal(0.58, 0.30).clamp(-0.4, 1),
        d.uniform(),
    )
    at_you = d.coin(0.75)  # most people look into the camera wherever their head points
    return dict(
        yaw=yaw,
        pitch=pitch,
        roll=d.normal(0, 0.06),
        smile=smile,
        open=d.coin(0.5) * d.uniform(0.25, 1) * (0.35 + smile).clamp(0.2, 1),
        blink=torch.where(d.coin(0.04) > 0, d.uniform(0.85, 1), d.uniform(0, 0.15)),
        gaze_x=torch.where(at_you > 0, d.normal(0, 0.12) - 2.2 * yaw, d.normal(0, 0.4)).clamp(-1.1, 1.1),
        gaze_y=d.normal(0, 0.15) + 2 * pitch,
        brow_up=d.normal(0.4, 0.35),
        brow_in=d.normal(-0.25, 0.28),
        light_x=d.uniform(-1, 1),
        light_y=d.uniform(0, 1),
        warmth=d.uniform(),
        back=hsv(hue, d.uniform(0.10, 0.45), d.uniform(0.70, 1)),
        back2=hsv((hue + d.normal(0, 0.08)) % 1, d.uniform(0.15, 0.5), d.uniform(0.5, 0.95)),
        cloth=CLOTH[d.index([1.0] * len(CLOTH))] * d.uniform(0.7, 1.1)[:, None],
        trim=CLOTH[d.index([1.0] * len(CLOTH))] * d.uniform(0.7, 1.1)[:, None],
        stripes=d.coin(0.3),
        neckline=d.uniform(),
    )


_one = uniforms(1, 0)
IDENTITY, SCENE = list(identity_factors(_one)), list(scene_factors(_one))
SHAPES = {k: v.shape[1:] for k, v in {**identity_factors(_one), **scene_factors(_one)}.items()}


# ---------------------------------------------------------------------------- public
def sample(n: int, *, seed: int = 0, start: int = 0) -> Factors:
    """Draw the factors of faces start … start + n - 1, tensors (n, …); face i depends on (seed, i) only."""
    table = uniforms(n, seed, start)
    return {**identity_factors(table), **scene_factors(table)}


def person(seed: int) -> Factors:
    """Draw the identity factors (1, …) of one person; persons share no numbers with `sample`."""
    return identity_factors(uniforms(1, seed, stream=1))


def identity(factors: Factors) -> Factors:
    """Return the half of the factors (n, …) that says who it is."""
    return {k: factors[k] for k in IDENTITY}


def scene(factors: Factors) -> Factors:
    """Return the half of the factors (n, …) that says how we meet them: pose, expression, light, clothes."""
    return {k: factors[k] for k in SCENE}


def combine(who: Factors, scene: Factors) -> Factors:
    """Put a person (1, …), or as many as there are scenes (n, …), into every one of the scenes."""
    n, m = len(scene["yaw"]), len(who["skin"])
    if m not in (1, n):
        raise ValueError(f"combine needs one person or as many as scenes: got {m} persons and {n} scenes")
    return {**{k: who[k].expand(n, *who[k].shape[1:]) for k in IDENTITY}, **{k: scene[k] for k in SCENE}}


def mix(a: Factors, b: Factors, t: float | torch.Tensor) -> Factors:
    """Mix factors from a (t = 0) to b (t = 1), t a number or (n,); styles are weights, so hair morphs."""
    t = torch.as_tensor(t, dtype=torch.float, device=next(iter(a.values())).device).reshape(-1)
    return {k: torch.lerp(a[k], b[k], t.view(-1, *[1] * (a[k].dim() - 1))) for k in a}

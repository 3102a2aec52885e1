"""Do the measures measure? Fréchet distance, precision and recall of pictures that get worse step by step."""

import torch

from ... import metrics
from ...data import faces
from .damage import blur, noise

LADDERS = {"blur": (0.5, 1.0, 1.5, 2.0), "noise": (0.02, 0.05, 0.1, 0.2)}
MISSING = (0.2, 0.4, 0.6)  # share of the classes, the rarest first
EXPRESSIONS = {  # what all faces are made to do
    "no smile": {"smile": 0.0},
    "mouth shut": {"open": 0.0},
    "eyes shut": {"blink": 1.0},
    "eyes ahead": {"gaze_x": 0.0, "gaze_y": 0.0},
    "frontal": {"yaw": 0.0},
}
CHANGED = (0.25, 0.5, 1.0)  # share of the faces that do it


def judge(real, fake):
    """Fréchet distance, precision and recall of features (N, D), rounded."""
    return [round(v, 4) for v in (metrics.frechet(real, fake), *metrics.precision_recall(real, fake))]


def curves(features, x, y, n, *, missing=MISSING):
    """Rows per ladder of (step, Fréchet distance, precision, recall), step 0 first: n clean pictures of x in
    [0, 1] against n others that were corrupted, or that lack classes y; `features`: pictures to (N, D)."""
    real, rest = features(x[:n]), x[n:]
    classes = y.bincount().argsort()
    g = torch.Generator().manual_seed(0)

    def row(step, fake):
        return [step, *judge(real, features(fake))]

    start = row(0, rest[:n])
    result = {"blur": [start], "noise": [start], "missing classes": [start]}
    for sigma in LADDERS["blur"]:
        result["blur"].append(row(sigma, blur(rest[:n], torch.full((n,), sigma))))
    for sigma in LADDERS["noise"]:
        result["noise"].append(row(sigma, noise(rest[:n], torch.full((n,), sigma), g)))
    for share in missing:
        gone = classes[: round(share * len(classes))]
        left = rest[~torch.isin(y[n:], gone)][:n]
        if len(left) < n:
            raise ValueError(f"without {len(gone)} classes only {len(left)} of {n} pictures are left")
        result["missing classes"].append(row(len(gone), left))
    return result


def expressions(features, x, factors, n):
    """Rows like those of `curves`: n faces of x in [0, 1] against the next n, a growing share of which are
    drawn again with another expression; `factors` are those of x."""
    real, rest = features(x[:n]), features(x[n : 2 * n])
    factors, result = {name: value[n : 2 * n] for name, value in factors.items()}, {}
    for expression, change in EXPRESSIONS.items():
        changed = factors | {name: torch.full_like(factors[name], value) for name, value in change.items()}
        other, rows = features(faces.render(changed, 64).x.float() / 255), [[0, *judge(real, rest)]]
        for share in CHANGED:
            k = round(share * n)
            rows.append([share, *judge(real, torch.cat([other[:k], rest[k:]]))])
        result[expression] = rows
    return result

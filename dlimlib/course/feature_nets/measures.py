"""Do the measures measure? Fréchet distance, precision and recall of pictures that get worse step by step."""

import torch

from ... import metrics
from .damage import blur, noise

LADDERS = {"blur": (0.5, 1.0, 1.5, 2.0), "noise": (0.02, 0.05, 0.1, 0.2)}
MISSING = (0.2, 0.4, 0.6)  # share of the classes, the rarest first


def curves(features, x, y, n, *, missing=MISSING):
    """Rows per ladder of (step, Fréchet distance, precision, recall), step 0 first: n clean pictures of x in
    [0, 1] against n others that were spoilt, or that lack classes y; `features` maps pictures to (N, D)."""
    real, rest = features(x[:n]), x[n:]
    classes = y.bincount().argsort()
    g = torch.Generator().manual_seed(0)

    def judge(fake):
        f = features(fake)
        return [round(v, 4) for v in (metrics.frechet(real, f), *metrics.precision_recall(real, f))]

    start = [0, *judge(rest[:n])]
    result = {"blur": [start], "noise": [start], "missing classes": [start]}
    for sigma in LADDERS["blur"]:
        result["blur"].append([sigma, *judge(blur(rest[:n], torch.full((n,), sigma)))])
    for sigma in LADDERS["noise"]:
        result["noise"].append([sigma, *judge(noise(rest[:n], torch.full((n,), sigma), g))])
    for share in missing:
        gone = classes[: round(share * len(classes))]
        left = rest[~torch.isin(y[n:], gone)][:n]
        if len(left) < n:
            raise ValueError(f"without {len(gone)} classes only {len(left)} of {n} pictures are left")
        result["missing classes"].append([len(gone), *judge(left)])
    return result

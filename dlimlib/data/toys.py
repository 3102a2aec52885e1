"""The data sets that the package draws itself, kept in the cache as far as they have been drawn."""

from typing import Any

import torch

from ..settings import budget, home
from . import cache, digits, faces
from .images import Images

# name -> who draws it, the usual size, and how
TOYS: dict[str, tuple[Any, int, dict[str, str]]] = {
    "toy-faces": (faces, 64, {}),
    "toy-busts": (faces, 64, {"material": "marble"}),
    "toy-digits": (digits, 28, {}),
}
SEEDS = {"train": 1, "test": 2}  # no identity is in both


def load(name: str, split: str, size: int | None, n: int | None, *, device: Any = None) -> Images:
    """Return the first n pictures of a toy as Images (N, C, size, size), by default as many as the profile
    has use for.

    The device, by default CUDA where there is one, draws those that the cache lacks.
    """
    toy, usual, how = TOYS[name]
    size = size or usual
    if n is None:
        n = budget(smoke=256, cpu=4_000, gpu=20_000)
        n = n if split == "train" else min(max(n // 4, 256), 2_500)
    path = home() / "data" / f"{name}-v{toy.VERSION}-{size}-{split}.safetensors"
    have, _ = cache.read(path, n)
    if (at := len(have.get("x", ()))) < n:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        new = _draw(toy, n - at, SEEDS[split], at, size, device, how)
        have = {k: torch.cat([have[k], new[k]]) if at else new[k] for k in new}
        cache.write(path, have)
    factors = {k.removeprefix("factor "): have.pop(k) for k in list(have) if k.startswith("factor ")}
    known: dict[str, Any] = {**have, "classes": [str(c) for c in toy.STYLES], "factors": factors or None}
    if toy is faces:
        known |= {"mask_classes": faces.MASK_CLASSES, "mirror": True}
    return Images(name, toy.VERSION, **known)


def _draw(toy, n, seed, start, size, device, how):
    """Return the tensors of a toy that are kept: pictures, classes, mask and sketch, and "factor …"."""
    if toy is digits:
        images = digits.render(n, seed=seed, start=start, size=size, device=device, progress=True)
        return {"x": images.x, "y": images.y}
    factors = faces.sample(n, seed=seed, start=start)
    images = faces.render(factors, size, device=device, full=True, progress=True, **how)
    own = {"x": images.x, "y": factors["style"].argmax(1), "mask": images.mask, "sketch": images.sketch}
    own |= {f"factor {k}": t.float().contiguous() for k, t in factors.items()}
    return {k: t.cpu() for k, t in own.items()}

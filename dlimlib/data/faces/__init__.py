"""Faces with known factors: procedural portraits with class masks, pen sketches and depth, in plain PyTorch.

factors = faces.sample(48, seed=1)                     # a dict of tensors (48, …)
images = faces.render(factors, 64)                     # an Images: x, mask, factors
swap = faces.render(faces.combine(faces.person(7), factors), 64)      # one person in all these scenes
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from tqdm.auto import tqdm

from . import factors, portrait
from .factors import IDENTITY, SCENE, SHAPES, Factors, combine, identity, mix, person, sample, scene
from .paint import MASK_CLASSES

if TYPE_CHECKING:
    from ..images import Images

VERSION = "1"  # goes up when the same factors give another picture
STYLES = list(factors.STYLES)
CLASSES = MASK_CLASSES  # as notebook 01 says
MATERIALS = ("life", "marble")
BLOCK = 1024  # faces whose geometry is worked out together

__all__ = [
    "IDENTITY",
    "MASK_CLASSES",
    "MATERIALS",
    "SCENE",
    "STYLES",
    "VERSION",
    "combine",
    "identity",
    "mix",
    "person",
    "render",
    "sample",
    "scene",
]


def _checked(factors):
    """Return the factors as float tensors on the CPU; ValueError if there is something wrong with them."""
    missing = [k for k in SHAPES if k not in factors]
    unknown = [k for k in factors if k not in SHAPES]
    if missing or unknown:
        problem = f"lack {', '.join(missing)}" if missing else f"hold unknown names: {', '.join(unknown)}"
        raise ValueError(f"the factors {problem}; make them with faces.sample or faces.combine")
    n = len(factors["yaw"])
    for k, shape in SHAPES.items():
        if tuple(factors[k].shape) != (n, *shape):
            raise ValueError(f"factor {k!r} must have shape {(n, *shape)}, got {tuple(factors[k].shape)}")
    if n == 0:
        raise ValueError("there is nobody in the factors: draw at least one face, faces.sample(1)")
    return {k: factors[k].detach().to("cpu", torch.float) for k in SHAPES}


@contextmanager
def _plain_float32(device):
    """Keep TF32 and autocast out: a depth needs all the bits of a float."""
    on = "cuda" if device.type == "cuda" else "cpu"
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(on, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


@torch.no_grad()
def render(
    factors: Factors,
    size: int = 64,
    *,
    device: str | torch.device = "cpu",
    full: bool = False,
    material: str = "life",
    progress: bool = False,
    chunk: int | None = None,
) -> Images:
    """Draw faces (n) as Images: x uint8 (n, 3, size, size), mask uint8 (n, size, size), factors.

    full=True adds sketch uint8 (n, 1, size, size) and depth float (n, 1, size, size) in head radii;
    material="marble" draws the same heads as busts of white marble, before the same walls; progress=True
    shows a bar; chunk is the number of faces drawn at a time. The pictures are on the CPU.
    """
    from ..images import Images

    if not isinstance(size, int) or not 16 <= size <= 512:
        raise ValueError(f"size must be a whole number from 16 to 512, got {size!r}")
    if material not in MATERIALS:
        raise ValueError(f"material must be one of {', '.join(MATERIALS)}, got {material!r}")
    f, device = _checked(factors), torch.device(device)
    n = len(f["yaw"])
    # on a CPU a chunk should fit its cache, on a GPU it should be worth a launch
    chunk = chunk or max(1, round((8 if device.type == "cpu" else 256) * 64**2 / size**2))
    windows = portrait.windows(size, device)
    out: dict[str, Any] = {}
    with _plain_float32(device), tqdm(total=n, desc="faces", unit="face", disable=not progress) as bar:
        for start in range(0, n, BLOCK):
            shapes = portrait.shapes({k: v[start : start + BLOCK] for k, v in f.items()})
            traits = portrait.traits(shapes)
            keys = traits @ torch.tensor([32, 1, 4, 2, 0])
            order = keys.argsort(stable=True)
            for rows in order.split(chunk):
                part = {k: v[rows] for k, v in shapes.items()}
                part["locks"] = part["locks"][:, part.pop("worn").any(0)]
                _, _, glasses, whiskers, hair = traits[rows].amax(0).tolist()
                part = {k: v.to(device, non_blocking=True) for k, v in part.items()}
                has = dict(hair=hair, glasses=glasses, whiskers=whiskers)
                drawn = portrait.draw(part, windows, size, has, full, material)
                for k, v in drawn.items():
                    if k not in out:
                        out[k] = torch.empty(n, *v.shape[1:], dtype=v.dtype)
                    out[k][rows + start] = v.cpu()
                bar.update(len(rows))
    return Images(name="toy-faces", version=VERSION, mask_classes=MASK_CLASSES, mirror=True, factors=f, **out)

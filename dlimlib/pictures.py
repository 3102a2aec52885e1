"""Pictures as they are shown and stored: tensors to uint8 arrays, enlarged without smoothing; pen strokes."""

from collections.abc import Iterable, Mapping
from functools import wraps
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

FINE = 8  # the pen draws on a grid this much finer than the pixels
IGNORE = 255  # the label of pixels that count neither in a loss nor in a measure


def also_range(function):
    """Let a function with value_range= understand range= as well, which notebooks 01 to 04 still say."""

    @wraps(function)
    def understanding(*args, **kwargs):
        if "range" in kwargs:
            kwargs["value_range"] = kwargs.pop("range")
        return function(*args, **kwargs)

    return understanding


def to_uint8(x: Any, value_range: tuple[float, float] = (-1, 1)) -> np.ndarray:
    """Return pictures as a numpy array (N, H, W, 1 or 3) of uint8: from Images, a tensor (N, C, H, W) or
    (C, H, W), a numpy array with channels last, or a list of those; floats are clipped to value_range."""
    x = getattr(x, "x", x)
    if isinstance(x, (list, tuple)):
        if len(x) == 0:
            raise ValueError("there is no picture to draw: the list is empty")
        return np.concatenate([to_uint8(item, value_range) for item in x])
    tensor = isinstance(x, torch.Tensor)
    if tensor:
        x = x.detach().cpu()
        x = (x if x.dtype == torch.uint8 else x.float()).numpy()
    x = np.asarray(x)
    x = x[None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[1 if tensor else 3] not in (1, 3):
        order = "tensors (N, C, H, W)" if tensor else "numpy arrays (N, H, W, C)"
        raise ValueError(f"pictures are {order} with 1 or 3 channels, got {x.shape}")
    x = x.transpose(0, 2, 3, 1) if tensor else x
    if x.dtype == np.uint8:
        return x
    low, high = value_range
    x = np.nan_to_num((x.astype(np.float32) - low) / (high - low), nan=0.0)
    return (x.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def enlarge(pictures: np.ndarray, scale: int) -> np.ndarray:
    """Return pictures (N, H, W, C) with every pixel drawn scale × scale times, never smoothed."""
    return pictures.repeat(scale, 1).repeat(scale, 2)


def ink(strokes: Iterable[Mapping[str, Any]], size: int, ground: np.ndarray | None = None) -> np.ndarray:
    """Draw strokes with a round pen: a sketch uint8 (1, size, size), ink 0 on white 255.

    A stroke is {"pen": its width in pixels, "points": [[x, y], …]}, x and y from 0 to 1, from the left and
    the top; with "erase": True it rubs out. ground: uint8 (size, size), drawn on in place of white.
    """
    if ground is None:
        ground = np.full((size, size), 255, np.uint8)
    sheet = Image.fromarray(ground).resize((size * FINE, size * FINE), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        points = np.asarray(stroke.get("points", ()), float) * size * FINE - 0.5  # from edges to centres
        if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
            raise ValueError(f"a stroke needs points [[x, y], …], got {stroke}")
        width = max(1, round(float(stroke["pen"]) * FINE))
        colour = 255 if stroke.get("erase") else 0
        pen.line([tuple(p) for p in points], fill=colour, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=colour)
    return np.array(sheet.resize((size, size), Image.Resampling.BOX))[None]

"""Grids of pictures, painted label maps, animations."""

import math
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from ..pictures import also_range, enlarge, to_uint8
from .style import PALETTE, Sheet, bundle, describe, figure

GAP = 4  # pixels between two pictures
WIDTH = 1060  # pixels that a grid of pictures may take


def paint(mask: torch.Tensor) -> torch.Tensor:
    """Label maps (N, H, W) or (H, W) as pictures uint8 (N, 3, H, W): class k in the k-th of the PALETTE."""
    mask = torch.as_tensor(mask).long()
    table = torch.tensor([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in PALETTE], dtype=torch.uint8)
    pictures = table.to(mask.device)[mask % len(PALETTE)].movedim(-1, -3)
    return pictures if pictures.dim() == 4 else pictures[None]


@also_range
def images(
    x: Any,
    titles: str | Sequence[str] | None = None,
    *,
    cols: int = 8,
    rows: Sequence[str] | None = None,
    legend: Sequence[str] | None = None,
    value_range: tuple[float, float] = (-1, 1),
    scale: int | None = None,
    alt: str | None = None,
    ax: Axes | None = None,
) -> Axes | Sheet:
    """A grid of pictures; `titles` is one text for all or one for each picture, `rows` labels the rows.
    A list of equally long batches makes a row of each: images([x, x_hat], rows=["picture", "model"]).
    `legend` names the classes of painted label maps, in the order of their colours; `alt` says in words
    what is seen, where "Grid of 2 rows of 8 pictures: picture, model" says too little."""
    if isinstance(x, (list, tuple)) and x and getattr(x[0], "ndim", 0) == 4:
        if len({len(batch) for batch in x}) > 1:
            raise ValueError(f"rows must be equally long, got {[len(batch) for batch in x]} pictures")
        cols = len(x[0])
    x = to_uint8(x, value_range)
    n, h, w, channels = x.shape
    cols = max(1, min(cols, n))
    lines = math.ceil(n / cols)
    each = None if isinstance(titles, str) else titles
    for what, texts, count in (("titles", each, n), ("rows", rows, lines)):
        if texts is not None and len(texts) != count:
            raise ValueError(f"{what} must be {count} texts, got {len(texts)}")
    scale = scale or max(1, min((WIDTH - GAP * (cols - 1)) // (cols * w), round(160 / w)))
    x = enlarge(x, scale)
    h, w = h * scale, w * scale
    head = 22 * max(str(text).count("\n") + 1 for text in each) + 2 if each is not None else 0
    height, width = lines * (h + head + GAP) - GAP, cols * (w + GAP) - GAP
    canvas = np.full((height, width, channels), 255, np.uint8)
    for i, picture in enumerate(x):
        top, left = i // cols * (h + head + GAP) + head, i % cols * (w + GAP)
        canvas[top : top + h, left : left + w] = picture
    left = 18 + 10.5 * max(len(line) for label in rows for line in str(label).split("\n")) if rows else 0
    above = 30 if isinstance(titles, str) else 0
    swatches, below = _swatches(legend, width) if legend else ([], 0)
    result: Axes | Sheet
    if ax is not None:
        result = ax
    else:  # a figure of just this size, so that a pixel of the grid is a pixel of the picture
        total = (
            max(width + left, 10.5 * len(titles) if isinstance(titles, str) else 0),
            height + above + below,
        )
        result = figure(total[0] / 100, total[1] / 100, layout="none")
        ax = result.add_axes((left / total[0], below / total[1], width / total[0], height / total[1]))
    ax.imshow(canvas[..., 0] if channels == 1 else canvas, vmin=0, vmax=255, extent=(0, width, height, 0))
    ax.set_axis_off()
    if isinstance(titles, str):
        ax.set_title(titles, loc="left")
    for i, text in enumerate(each if each is not None else ()):
        middle, foot = i % cols * (w + GAP) + w / 2, i // cols * (h + head + GAP) + head - 3
        ax.text(middle, foot, str(text), ha="center", va="bottom", size=12)
    for i, text in enumerate(rows or ()):
        ax.text(-10, i * (h + head + GAP) + head + h / 2, str(text), ha="right", va="center")
    for x, y, text, colour in swatches:
        ax.add_patch(Rectangle((x, height + y), 16, 16, color=colour, lw=0, clip_on=False))
        ax.text(x + 22, height + y + 8, text, va="center_baseline", size=12)
    describe(ax, alt or _described(n, cols, titles, rows))
    return result


def _described(n, cols, titles, rows):
    """The text alternative of a grid, from its size and its texts."""
    names = [
        str(text).replace("\n", " ")
        for text in rows or ([titles] if isinstance(titles, str) else titles or [])
    ]
    lines, plural = math.ceil(n / cols), lambda count, word: f"{count} {word}{'s' * (count > 1)}"
    size = plural(n, "picture") if lines == 1 else f"{plural(lines, 'row')} of {plural(cols, 'picture')}"
    return ("Grid of " if n > 1 else "") + size + (": " + ", ".join(names) if names else "")


def _swatches(names, width):
    """Where the entries of a legend stand, as (x, y, text, colour) in lines of a width, and their height."""
    found, x, y = [], 0, 12
    for i, name in enumerate(names):
        need = 22 + 10.5 * len(name) + 16
        if x and x + need > width:
            x, y = 0, y + 26
        found.append((x, y, name, PALETTE[i % len(PALETTE)]))
        x += need
    return found, y + 24


class Animation:
    """A looping animated picture; where none is shown, in a page made by nbconvert, its text stands."""

    def __init__(self, gif: bytes, size: tuple[int, int], alt: str):
        self.gif, self.size, self.alt = gif, size, alt

    def __repr__(self) -> str:
        return f"{self.alt}, {self.size[0]} x {self.size[1]} pixels, {len(self.gif) / 1000:.0f} kB"

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        return bundle(self.gif, self.alt, "image/gif")


@also_range
def animation(
    frames: Any,
    *,
    fps: float = 12,
    value_range: tuple[float, float] = (-1, 1),
    scale: int | None = None,
    alt: str | None = None,
) -> Animation:
    """Frames (N, C, H, W) as a looping animation, enlarged without smoothing; a list of equally long batches
    is shown side by side. `alt` says in words what moves."""
    parts = 1
    if isinstance(frames, (list, tuple)) and frames and getattr(frames[0], "ndim", 0) == 4:
        parts = len(frames)
        frames = np.concatenate([np.pad(to_uint8(part, value_range), ((0, 0),) * 2 + ((0, 2), (0, 0)),
                                        constant_values=255) for part in frames], 2)[:, :, :-2]  # fmt: skip
    frames = to_uint8(frames, value_range)
    n, h, w, channels = frames.shape
    frames = enlarge(frames, scale or max(1, round(160 / h)))
    n, h, w, channels = frames.shape
    frames = frames.repeat(3, 3) if channels == 1 else frames
    # one palette for all frames, or the colours would flicker
    some = Image.fromarray(np.concatenate(frames[:: max(1, n // 12)]))
    palette = some.quantize(256, Image.Quantize.MEDIANCUT)
    stills = [Image.fromarray(f).quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    file = BytesIO()
    stills[0].save(file, "gif", save_all=True, append_images=stills[1:], duration=round(1000 / fps), loop=0)
    side = f" of {parts} pictures side by side" if parts > 1 else ""
    return Animation(file.getvalue(), (w, h), alt or f"Animation{side}, {n} frames")

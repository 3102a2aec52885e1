"""Grids of pictures, painted label maps, animations."""

import math
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba_array
from matplotlib.patches import Patch
from PIL import Image

from ..pictures import IGNORE, also_range, enlarge, to_uint8
from .style import COLOURS, PALETTE, Sheet, axes, bundle, describe

GAP = 4  # pixels between two pictures
WIDTH = 1060  # pixels that a grid of pictures may take
DARK = {"real": (0.0, 0.2, 0.4), "fake": (0.75, 0.2, 0.0)}  # of points on a ground in the usual colours


def paint(mask: torch.Tensor) -> torch.Tensor:
    """Paint label maps (N, H, W) or (H, W) as pictures uint8 (N, 3, H, W): class k in the k-th colour of the
    PALETTE, which begins again after the last, and what does not count, dl.data.IGNORE = 255, in grey."""
    mask = torch.as_tensor(mask).long()
    colours = torch.from_numpy(255 * to_rgba_array([*PALETTE, COLOURS["baseline"]])[:, :3]).round().byte()
    numbers = torch.where(mask == IGNORE, len(PALETTE), mask % len(PALETTE))
    pictures = colours.to(mask.device)[numbers].movedim(-1, -3)
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
    """Draw a grid of pictures (N, C, H, W), floats in `value_range`, each pixel drawn scale × scale times.
    A list of equally long batches makes a row of each: images([x, x_hat], rows=["picture", "model"]).

    titles, rows: one text for all, one for each picture or one for each column; a label for each row.
    legend: the names of the classes of painted label maps, in the order of their colours.
    alt: what is seen, where "Grid of 2 rows of 8 pictures: picture, model" says too little.
    """
    if isinstance(x, (list, tuple)) and x and getattr(x[0], "ndim", 0) == 4:
        if len({len(batch) for batch in x}) > 1:
            raise ValueError(f"rows must be equally long, got {[len(batch) for batch in x]} pictures")
        cols = len(x[0])
    x = to_uint8(x, value_range)
    n, h, w, _ = x.shape
    cols = max(1, min(cols, n))
    lines = math.ceil(n / cols)
    title, each = (titles, []) if isinstance(titles, str) else ("", [str(text) for text in titles or ()])
    for what, texts, counts in (("titles", each, (n, cols)), ("rows", rows, (lines,))):
        if texts and len(texts) not in counts:
            counted = " or ".join(map(str, dict.fromkeys(counts)))
            raise ValueError(f"{what} must be {counted} texts, got {len(texts)}")
    scale = scale or max(1, min((WIDTH - GAP * (cols - 1)) // (cols * w), round(160 / w)))
    head = 22 * max(text.count("\n") + 1 for text in each) + 2 if each else 0
    above_each, above_all = (head, 0) if len(each) == n else (0, head)
    white = ((0, lines * cols - n), (above_each, GAP), (0, GAP), (0, 0))
    x = np.pad(enlarge(x, scale), white, constant_values=255)
    _, down, right, channels = x.shape
    grid = x.reshape(lines, cols, down, right, channels).swapaxes(1, 2)
    grid = grid.reshape(lines * down, cols * right, channels)[:-GAP, :-GAP]
    height, width = grid.shape[:2]

    # a figure of just this size, so that a pixel of the grid is a pixel of the picture
    left = 18 + 10.5 * max(len(line) for label in rows for line in str(label).split("\n")) if rows else 0
    columns = max(1, int(width / (52 + 10.5 * max(map(len, legend))))) if legend else 1
    below, above = 12 + 26 * math.ceil(len(legend) / columns) if legend else 0, 30 if title else above_all
    whole, total = max(width + left, 10.5 * len(title)), height + above + below
    place = left / whole, below / total, width / whole, height / total
    ax, result = axes(ax, whole / 100, total / 100, place=place)
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.imshow(grid, vmin=0, vmax=255, extent=(0, width, height, 0))
    if title:
        ax.set_title(title, loc="left")
    for i, text in enumerate(each):
        middle = i % cols * right + (right - GAP) / 2
        ax.text(middle, i // cols * down + above_each - 3, text, ha="center", va="bottom", size=12)
    for i, text in enumerate(rows or ()):
        ax.text(-10, i * down + (above_each + down - GAP) / 2, str(text), ha="right", va="center")
    if legend:
        squares = [Patch(color=PALETTE[i % len(PALETTE)], label=name) for i, name in enumerate(legend)]
        ax.legend(handles=squares, ncols=columns, loc="upper left", bbox_to_anchor=(0, -8 / height),
                  borderpad=0, borderaxespad=0, handlelength=1, handleheight=1)  # fmt: skip
    describe(ax, alt or _described(n, cols, rows or each or [title] * bool(title)))
    return result


def _described(n, cols, texts):
    """Return the text alternative of a grid, from its size and its texts."""
    plural = lambda count, word: f"{count} {word}{'s' * (count > 1)}"  # noqa: E731
    size = plural(math.ceil(n / cols), "row") + f" of {plural(cols, 'picture')}"
    size = ("Grid of " if n > 1 else "") + (size if n > cols else plural(n, "picture"))
    return ": ".join(filter(None, (size, ", ".join(map(str, texts)).replace("\n", " "))))


def landscape(
    score: Callable[[torch.Tensor], torch.Tensor],
    clouds: Mapping[str, torch.Tensor],
    *,
    span: float,
    pixels: int = 96,
) -> torch.Tensor:
    """Paint what a network says of every point of a square, as a picture (3, pixels, pixels) in [-1, 1].

    On top lie clouds of points, {"real": (N, 2)} dark blue and {"fake": (N, 2)} brick red; what is outside is
    at the edge. Blue is where score, points (N, 2) to numbers (N,), lies above the middle of what it says of
    the two clouds (without them: above its mean), orange where it lies below. The square reaches from -span
    to span, y upwards.
    """
    line = torch.linspace(-span, span, pixels)
    height = score(torch.cartesian_prod(line.flip(0), line).flip(1)).detach().float().cpu()
    said = [score(points).detach().float().mean().cpu() for points in clouds.values()]
    border = sum(said) / 2 if len(said) == 2 else height.mean()
    tone = (height - border).tanh().view(pixels, pixels, 1)
    blue, orange = (torch.tensor(to_rgb(COLOURS[key])) for key in ("real", "fake"))
    picture = 1 - 0.6 * (tone.clamp(min=0) * (1 - blue) - tone.clamp(max=0) * (1 - orange))
    for key, points in clouds.items():
        at = (points.detach().cpu() + span) / (2 * span) * (pixels - 1)
        column, row = at.round().long().clamp(0, pixels - 1).T
        picture[pixels - 1 - row, column] = torch.tensor(DARK[key])
    return 2 * picture.permute(2, 0, 1) - 1


class Animation:
    """A looping animated picture, the bytes of a GIF; where none is shown, its text stands."""

    def __init__(self, gif: bytes, alt: str):
        self.gif, self.alt = gif, alt

    def __repr__(self) -> str:
        return self.alt

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
    """Return frames (N, C, H, W), floats in `value_range`, as a looping animation of `fps` frames a second,
    enlarged `scale` times without smoothing; a list of equally long batches is shown side by side. `alt` says
    in words what moves."""
    several = isinstance(frames, (list, tuple)) and frames and getattr(frames[0], "ndim", 0) == 4
    parts = [to_uint8(part, value_range) for part in (frames if several else [frames])]
    white = ((0, 0), (0, 0), (0, 2), (0, 0))
    x = np.concatenate([np.pad(part, white, constant_values=255) for part in parts], 2)[:, :, :-2]
    x = enlarge(x, scale or max(1, round(160 / x.shape[1])))
    x = x.repeat(3, 3) if x.shape[3] == 1 else x
    # one palette for all frames, or the colours would flicker
    palette = Image.fromarray(np.concatenate(x[:: max(1, len(x) // 12)])).quantize(256)
    stills = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in x]
    file = BytesIO()
    stills[0].save(file, "gif", save_all=True, append_images=stills[1:], duration=round(1000 / fps), loop=0)
    side = f" of {len(parts)} pictures side by side" if len(parts) > 1 else ""
    return Animation(file.getvalue(), alt or f"Animation{side}, {len(x)} frames")

"""Static figures in the course's one look; every function returns its Figure, or the Axes it was given."""

import math
from io import BytesIO
from itertools import cycle

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from ..pictures import also_range, enlarge, to_uint8
from .diagram import network
from .style import COLOURS, PALETTE, axes, figure, ink

__all__ = ["COLOURS", "PALETTE", "animation", "curve", "figure", "history", "images", "latent", "network"]
__all__ += ["matrix", "paint", "to_uint8"]
GAP = 4  # pixels between two pictures
WIDTH = 1060  # pixels that a grid of pictures may take


def paint(mask):
    """Label maps (N, H, W) or (H, W) as pictures uint8 (N, 3, H, W): class k in the k-th of the PALETTE."""
    mask = torch.as_tensor(mask).long()
    table = torch.tensor([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in PALETTE], dtype=torch.uint8)
    pictures = table.to(mask.device)[mask % len(PALETTE)].movedim(-1, -3)
    return pictures if pictures.dim() == 4 else pictures[None]


@also_range
def images(x, titles=None, *, cols=8, rows=None, legend=None, value_range=(-1, 1), scale=None, ax=None):
    """A grid of pictures; `titles` is one text for all or one for each picture, `rows` labels the rows.
    A list of equally long batches makes a row of each: images([x, x_hat], rows=["picture", "model"]).
    `legend` names the classes of painted label maps, in the order of their colours."""
    if isinstance(x, (list, tuple)) and x and getattr(x[0], "ndim", 0) == 4:
        if len({len(batch) for batch in x}) > 1:
            raise ValueError(f"rows must be equally long, got {[len(batch) for batch in x]} pictures")
        cols = len(x[0])
    x = to_uint8(x, value_range)
    n, h, w, channels = x.shape
    cols = max(1, min(cols, n))
    lines = math.ceil(n / cols)
    each = titles if titles is not None and not isinstance(titles, str) else None
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
    sheet = ax
    if ax is None:  # a figure of just this size, so that a pixel of the grid is a pixel of the picture
        total = max(width + left, 10.5 * len(titles) if above else 0), height + above + below
        sheet = figure(total[0] / 100, total[1] / 100, layout="none")
        ax = sheet.add_axes((left / total[0], below / total[1], width / total[0], height / total[1]))
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
    return sheet


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


def _label_ends(ax, ends):
    """Write (x, y, text, colour) at the lines' right ends, moved apart where they would overlap."""
    ax.figure.draw_without_rendering()
    to_pixels, to_axes = ax.transData, ax.transAxes.inverted()
    step = 19 * ax.figure.dpi / 100 / ax.bbox.height
    spots = [(to_axes.transform(to_pixels.transform((x, y))).tolist(), text, c) for x, y, text, c in ends]
    spots.sort(key=lambda spot: spot[0][1])
    heights = [spot[0][1] for spot in spots]
    for _ in range(100):  # push overlapping neighbours apart, little by little
        for i in range(len(heights) - 1):
            push = (step - heights[i + 1] + heights[i]) / 2
            if push > 1e-4:
                heights[i], heights[i + 1] = heights[i] - push, heights[i + 1] + push
    for ((x, _), text, colour), y in zip(spots, heights, strict=True):
        ax.annotate(text, (x, y), xycoords="axes fraction", xytext=(7, 0), textcoords="offset points",
                    va="center", color=ink(colour), annotation_clip=False)  # fmt: skip


def history(run, ax=None, *, smooth=None):
    """Curves of what a Run (or a dict name -> (steps, values)) logged: every value pale, and on top the mean
    over `smooth` neighbours (by default a fiftieth of them); logarithmic when the values span decades."""
    logged = getattr(run, "history", run)
    ax, result = axes(ax)
    ends, low, high = [], math.inf, 0.0
    for i, (name, series) in enumerate(logged.items()):
        steps, values = (np.asarray(part, float) for part in series)
        if len(values) == 0:
            continue
        colour = PALETTE[i % len(PALETTE)]
        width = max(1, min(smooth or len(values) // 50, len(values)))
        mean = np.convolve(values, np.ones(width) / width, "valid")
        if width > 1:
            ax.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        ax.plot(steps[width - 1 :], mean, color=colour)
        ends.append((steps[-1], mean[-1], name, colour))
        low, high = min(low, mean.min()), max(high, mean.max())
    if 0 < low and high > 10 * low:
        ax.set_yscale("log")
    ax.set_xlabel("step")
    if len(ends) == 1:
        ax.set_ylabel(ends[0][2])
    else:
        _label_ends(ax, ends)
    return result


def curve(lines, ax=None, *, xlabel="", ylabel="", baseline=(), log="x", bottom=0):
    """Lines name -> {x: y}, labelled at their ends; those named in `baseline` are grey and dashed;
    `log` holds the letters of the axes that are logarithmic; y begins at `bottom`, None: near the lowest."""
    ax, result = axes(ax)
    baseline = (baseline,) if isinstance(baseline, str) else baseline
    colours, ends, ticks = cycle(PALETTE), [], set()
    for name, points in lines.items():
        x, y = zip(*sorted(points.items()), strict=True)
        grey = name in baseline
        colour = COLOURS["baseline"] if grey else next(colours)
        ax.plot(x, y, "--o" if grey else "-o", color=colour, markersize=6)
        ends.append((x[-1], y[-1], name, colour))
        ticks.update(x)
    if "x" in log:
        ax.set_xscale("log")
        ax.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)])
        ax.minorticks_off()
    if "y" in log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=bottom)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _label_ends(ax, ends)
    return result


def matrix(values, rows, cols, ax=None, *, xlabel="", ylabel="", show="{:.2f}"):
    """Numbers in [0, 1] (R, C) as shaded cells with row and column names, written in the format `show`; NaN
    stays empty."""
    values = torch.as_tensor(values).detach().cpu().double().numpy()
    if values.shape != (len(rows), len(cols)):
        raise ValueError(f"values must be {len(rows)} rows × {len(cols)} columns, got {values.shape}")
    longest = max(len(str(row)) for row in rows)
    ax, result = axes(ax, 1.2 + 0.1 * longest + 0.72 * len(cols), 1.4 + 0.46 * len(rows))
    ax.imshow(values, cmap=LinearSegmentedColormap.from_list("blue", ["white", COLOURS["real"]]),
              vmin=0, vmax=1, aspect="auto")  # fmt: skip
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            ax.text(j, i, show.format(value), ha="center", va="center", size=12,
                    color="white" if value > 0.6 else COLOURS["text"])  # fmt: skip
    ax.set_xticks(np.arange(len(cols)), cols, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(np.arange(len(rows)), rows)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return result


def latent(z, labels, classes=None, ax=None):
    """Points z (N, 2) coloured by class: labels int (N,) with the names `classes`, written into the clouds;
    float labels get a colour scale."""
    z, labels = torch.as_tensor(z).detach().cpu(), torch.as_tensor(labels).detach().cpu()
    if z.dim() != 2 or z.shape[1] != 2:
        raise ValueError(f"z must be (N, 2), got {tuple(z.shape)}: choose two columns of it")
    ax, result = axes(ax, 6.4, 6.0)
    size = float(np.clip(16000 / len(z), 7, 40))
    if labels.is_floating_point():
        dots = ax.scatter(*z.T, c=labels, s=size, cmap="viridis", linewidths=0)
        ax.figure.colorbar(dots, ax=ax, shrink=0.8).outline.set_visible(False)
    else:
        for i in labels.unique().tolist():
            colour, cloud = PALETTE[i % len(PALETTE)], z[labels == i]
            ax.scatter(*cloud.T, color=colour, s=size, alpha=0.6, linewidths=0)
            ax.text(*cloud.median(0).values.tolist(), classes[i] if classes else str(i), color=ink(colour),
                    weight="bold", ha="center", va="center", size=14, zorder=3,
                    path_effects=[withStroke(linewidth=4, foreground="white")])  # fmt: skip
    ax.set(xlabel="first number of the code", ylabel="second number of the code", aspect="equal")
    return result


class Animation:
    """A looping animated picture that a notebook, its HTML page and GitHub show."""

    def __init__(self, gif, size):
        self.gif, self.size = gif, size

    def __repr__(self):
        return f"Animation({self.size[0]} x {self.size[1]} pixels, {len(self.gif) / 1000:.0f} kB)"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/gif": self.gif, "text/plain": repr(self)}


@also_range
def animation(frames, *, fps=12, value_range=(-1, 1), scale=None):
    """Frames (N, C, H, W) as a looping animation, enlarged without smoothing; a list of equally long batches
    is shown side by side."""
    if isinstance(frames, (list, tuple)) and frames and getattr(frames[0], "ndim", 0) == 4:
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
    return Animation(file.getvalue(), (w, h))

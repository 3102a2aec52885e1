"""Curves, matrices and clouds of points."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, PALETTE, Sheet, axes, describe, figure, ink

FAR = 30  # times larger: a quantity for a panel of its own
LINE, WIDE = 14.5, 90  # points that a label takes
HALO = [withStroke(linewidth=4, foreground="white")]


class _Labels(Artist):
    """Labels at the ends (x, y, text, colour) of curves; whenever the figure is drawn, on whatever scale its
    axes then have, they are moved apart, each as little as it can."""

    def __init__(self, ax, ends):
        super().__init__()
        self.set_zorder(0)  # drawn, and so asked, before the texts are
        style = dict(textcoords="offset points", va="center", annotation_clip=False, path_effects=HALO)
        self.texts = [ax.annotate(text, (x, y), xytext=(11, 0), color=ink(colour), **style)
                      for x, y, text, colour in ends if np.isfinite(y)]  # fmt: skip
        if self.texts:
            ax.add_artist(self)

    def draw(self, renderer):
        point = self.axes.figure.dpi / 72
        low, high = self.axes.bbox.y0 / point, self.axes.bbox.y1 / point - 6
        x, y = self.axes.transData.transform([text.xy for text in self.texts]).T / point
        order = np.argsort(x)
        for near in np.split(order, 1 + np.flatnonzero(np.diff(x[order]) > WIDE)):
            near = near[np.argsort(y[near], kind="stable")]
            slots = LINE * np.arange(len(near))
            free = (y[near] - slots).clip(low, max(low, high - slots[-1]))
            up, down = np.maximum.accumulate(free), np.minimum.accumulate(free[::-1])[::-1]
            for i, height in zip(near, (up + down) / 2 + slots, strict=True):
                self.texts[i].set_position((11, height - y[i]))


def _smoothed(values, width):
    """Return the mean of the finite ones among `width` neighbours around each value (N,); fewer at the end,
    and at the beginning, so that the line begins at the first value."""
    half, i, finite = width // 2, np.arange(len(values)), np.isfinite(values)
    low, high = np.maximum(i - half, 0), np.minimum(np.minimum(i + half, 2 * i) + 1, len(values))
    sums = np.pad(np.cumsum([np.where(finite, values, 0), finite], 1, float), ((0, 0), (1, 0)))
    total, count = sums[:, high] - sums[:, low]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _panels(curves):
    """Group names by the size of their means, in the order in which they were logged."""
    size = {name: float(np.median(np.abs(np.nan_to_num(mean)))) for name, (_, _, mean, _) in curves.items()}
    limits, last = [], 0.0
    for name in sorted(size, key=size.__getitem__):
        limits += [size[name]] * (0 < FAR * last < size[name])
        last = size[name]
    groups = {}
    for name in curves:
        groups.setdefault(sum(size[name] >= limit for limit in limits), []).append(name)
    return list(groups.values())


def history(
    run: Any,
    ax: Axes | None = None,
    *,
    smooth: int | None = None,
    log: bool | None = None,
    panels: Sequence[Sequence[str]] | None = None,
    size: tuple[float, float] = (7.2, 4.2),
) -> Axes | Sheet:
    """Draw curves of what a Run (or a dict name -> (steps, values)) logged: every value pale, and on top the
    mean of `smooth` neighbours around it (by default a fiftieth of all).

    panels: lists of names, an axes for each; by default quantities of different size get panels of their
    own. With `ax` all of them are drawn there.
    log: whether values stand on a logarithmic axis; by default where they span decades.
    size: inches of a figure with one panel.
    """
    curves = {}
    for (name, series), colour in zip(getattr(run, "history", run).items(), cycle(PALETTE), strict=False):
        if len(series[1]):
            steps, values = np.asarray(series, float)
            width = min(smooth or len(values) // 50, len(values))
            curves[name] = steps, values, _smoothed(values, width) if width > 1 else values, colour
    groups = (
        [list(curves)] if ax is not None else [list(names) for names in panels or _panels(curves)] or [[]]
    )
    unknown = [name for names in groups for name in names if name not in curves]
    if unknown:
        raise ValueError(f"panels name {unknown[0]}, which was not logged; there are {', '.join(curves)}")
    result = ax or figure(size[0], size[1] * (0.4 + 0.6 * len(groups)))
    spots = [ax] if ax else result.figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for spot, names in zip(spots, groups, strict=True):
        _panel(spot, {name: curves[name] for name in names}, log)
    spots[-1].set_xlabel("step")
    return result


def _panel(ax, curves, log):
    """Draw curves name -> (steps, values, means, colour) into one axes."""
    for steps, values, mean, colour in curves.values():
        if mean is not values:
            ax.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        ax.plot(steps, mean, color=colour)
    seen = np.concatenate([mean[np.isfinite(mean)] for _, _, mean, _ in curves.values()] or [[]])
    if log if log is not None else len(seen) and 0 < 10 * seen.min() < seen.max():
        ax.set_yscale("log")
    if len(curves) == 1:
        ax.set_ylabel(*curves)
    else:
        _Labels(ax, [(x[-1], mean[-1], name, colour) for name, (x, _, mean, colour) in curves.items()])
    steps = max((x[-1] for x, *_ in curves.values()), default=0)
    describe(ax, f"Curves of {', '.join(curves)} over {steps:,.0f} steps" if curves else "Nothing was logged")


def curve(
    lines: Mapping[str, Mapping[float, float]],
    ax: Axes | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    baseline: str | Sequence[str] = (),
    log: str = "x",
    bottom: float | None = 0,
) -> Axes | Sheet:
    """Draw lines name -> {x: y}, labelled at their ends; those named in `baseline` are grey and dashed.

    Beside a line "recorded", the points of "yours" (see dl.with_recorded) are large squares, to be seen even
    where both agree. `log` holds the letters of the axes that are logarithmic; y begins at `bottom`, None:
    near the lowest.
    """
    ax, result = axes(ax)
    baseline = (baseline,) if isinstance(baseline, str) else baseline
    colours, ends, ticks = cycle(PALETTE), [], list[float]()
    for name, points in sorted(lines.items(), key=lambda line: line[0] == "yours"):
        x, y = zip(*sorted(points.items()), strict=True)
        colour = COLOURS["baseline"] if name in baseline else next(colours)
        if name == "yours" and "recorded" in lines:
            ax.plot(x, y, "s", color=colour, markersize=13, markeredgewidth=2.4, fillstyle="none", zorder=3,
                    clip_on=False)  # fmt: skip
        else:
            ax.plot(x, y, "o--" if name in baseline else "o-", color=colour, markersize=6)
        ends.append((x[-1], y[-1], name, colour))
        ticks += x
    if "x" in log:
        ax.set_xscale("log")
        ax.set_xticks(sorted(set(ticks)), [f"{tick:g}" for tick in sorted(set(ticks))])
        ax.minorticks_off()
    elif all(float(tick).is_integer() for tick in ticks):
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if "y" in log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=bottom)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _Labels(ax, ends)
    what = f": {ylabel}" * bool(ylabel) + f" over {xlabel}" * bool(xlabel)
    describe(ax, f"Curves of {', '.join(lines)}{what}")
    return result


def seeds(
    figures: Mapping[str, Mapping[str, Sequence[float]]],
    ax: Axes | None = None,
    *,
    goal: float | None = None,
    xlabel: str = "",
) -> Axes | Sheet:
    """Draw figures {label: {"seeds": [numbers]}}, as dl.results takes them, as rows of dots, one a seed.

    goal: a number to reach, as a dotted line.
    """
    ax, result = axes(ax, 7.2, 1.2 + 0.5 * len(figures))
    for row, drawn in enumerate(figures.values()):
        each = np.asarray(drawn["seeds"], float)
        places = row + 0.12 * (np.arange(len(each)) - (len(each) - 1) / 2)
        ax.plot(each, places, "o", color=COLOURS["fake"], alpha=0.8, clip_on=False)
    if goal is not None:
        ax.axvline(goal, color=COLOURS["baseline"], linestyle=":", zorder=0)
    ax.set_yticks(range(len(figures)), list(figures))
    ax.set_ylim(len(figures) - 0.5, -0.5)
    ax.set(xlabel=xlabel)
    describe(ax, f"Dots of each seed for {', '.join(figures)}" + f": {xlabel}" * bool(xlabel))
    return result


def matrix(
    values: torch.Tensor,
    rows: Sequence[str],
    cols: Sequence[str],
    ax: Axes | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    show: str = "{:.2f}",
) -> Axes | Sheet:
    """Draw numbers in [0, 1] (R, C) as shaded cells with the names of `rows` and `cols`, each number
    written in the format `show`; NaN stays empty."""
    table = torch.as_tensor(values).detach().cpu().double().numpy()
    if table.shape != (len(rows), len(cols)):
        raise ValueError(f"values must be {len(rows)} rows × {len(cols)} columns, got {table.shape}")
    longest = max(len(str(row)) for row in rows)
    ax, result = axes(ax, 1.2 + 0.1 * longest + 0.72 * len(cols), 1.4 + 0.46 * len(rows))
    blue = LinearSegmentedColormap.from_list("blue", ["white", COLOURS["real"]])
    ax.imshow(table, cmap=blue, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        if np.isfinite(value):
            colour = "white" if value > 0.6 else COLOURS["text"]
            ax.text(j, i, show.format(value), ha="center", va="center", size=12, color=colour)
    ax.set_xticks(np.arange(len(cols)), cols, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(np.arange(len(rows)), rows)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    named = [f"{word}{'s' * (len(texts) > 1)}: {', '.join(map(str, texts))}"
             for word, texts in (("row", rows), ("column", cols))]  # fmt: skip
    describe(ax, f"Table of {len(rows)} × {len(cols)} numbers; {'; '.join(named)}")
    return result


def latent(
    z: torch.Tensor, labels: torch.Tensor, classes: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes | Sheet:
    """Draw points z (N, 2) coloured by class: labels int (N,) with the names `classes`, written into the
    clouds; float labels (N,) get a colour scale."""
    z, labels = torch.as_tensor(z).detach().cpu(), torch.as_tensor(labels).detach().cpu()
    if z.dim() != 2 or z.shape[1] != 2:
        raise ValueError(f"z must be (N, 2), got {tuple(z.shape)}: choose two columns of it")
    ax, result = axes(ax, 6.4, 6.0)
    size = float(np.clip(16000 / len(z), 7, 40))
    cloud_of = f"Cloud of {len(z):,} points in the plane of a code's two numbers, coloured by"
    if labels.is_floating_point():
        dots = ax.scatter(z[:, 0], z[:, 1], c=labels, s=size, cmap="viridis", linewidths=0)
        scale = ax.figure.colorbar(dots, ax=ax, shrink=0.8)
        scale.outline.set_visible(False)
        describe(ax, f"{cloud_of} a value")
        describe(scale.ax, f"colour scale from {labels.min():.3g} to {labels.max():.3g}")
    else:
        names = {i: classes[i] if classes else str(i) for i in labels.unique().tolist()}
        describe(ax, f"{cloud_of} class: {', '.join(names.values())}")
        for i, name in names.items():
            colour, cloud = PALETTE[i % len(PALETTE)], z[labels == i]
            x, y = cloud.median(0).values.tolist()
            ax.scatter(cloud[:, 0], cloud[:, 1], color=colour, s=size, alpha=0.6, linewidths=0)
            ax.text(x, y, name, color=ink(colour), weight="bold", ha="center", va="center", size=14, zorder=3,
                    path_effects=HALO)  # fmt: skip
    ax.set(xlabel="first number of the code", ylabel="second number of the code", aspect="equal")
    return result

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

from .style import COLOURS, PALETTE, Sheet, axes, describe, extent, figure, ink

FAR = 30  # times larger: a quantity for a panel of its own
HALO = [withStroke(linewidth=3, foreground="white")]


class _Labels(Artist):
    """Labels at the ends of curves; whenever the figure is drawn, on whatever scale its axes then have, those
    that would overlap are moved apart."""

    def __init__(self, ax, ends):
        super().__init__()
        self.set_zorder(0)  # drawn, and so asked, before the texts are
        self.texts = [
            ax.annotate(text, (x, y), xytext=(11, 0), textcoords="offset points", va="center",
                        color=ink(colour), annotation_clip=False, path_effects=HALO)
            for x, y, text, colour in ends]  # fmt: skip
        ax.add_artist(self)

    def draw(self, renderer):
        pixel = self.axes.figure.dpi / 100
        ends = self.axes.transData.transform([text.xy for text in self.texts]) / pixel
        wide = [100 * extent(text.get_text(), 13)[0] for text in self.texts]
        order = np.argsort(ends[:, 1], kind="stable")
        heights = ends[:, 1].copy()
        low, high = self.axes.bbox.y0 / pixel, self.axes.bbox.y1 / pixel - 8
        for _ in range(200):  # push overlapping neighbours apart, little by little, within the axes
            before = heights.copy()
            for n, i in enumerate(order):
                for j in order[n + 1 :]:
                    left, right = (i, j) if ends[i, 0] < ends[j, 0] else (j, i)
                    push = (20 - heights[j] + heights[i]) / 2
                    if push > 0.1 and ends[right, 0] < ends[left, 0] + wide[left] + 6:
                        heights[i], heights[j] = heights[i] - push, heights[j] + push
            heights = heights.clip(low, high)
            if np.allclose(before, heights, atol=0.05):
                break
        for text, move in zip(self.texts, heights - ends[:, 1], strict=True):
            text.set_position((11, 0.72 * move))  # pixels to points


def _smoothed(values, width):
    """The mean of the finite ones among `width` neighbours around each value; fewer at the beginning, so that
    the line begins at the first value, and at the end."""
    half, i, finite = width // 2, np.arange(len(values)), np.isfinite(values)
    low, high = np.maximum(i - half, 0), np.minimum(np.minimum(i + half, 2 * i) + 1, len(values))
    sums = np.pad(np.cumsum([np.where(finite, values, 0), finite], 1, float), ((0, 0), (1, 0)))
    total, count = sums[:, high] - sums[:, low]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _panels(means):
    """Names grouped by the size of their values, in the order in which they were logged."""
    size = {name: float(np.median(np.abs(np.nan_to_num(mean)))) for name, mean in means.items()}
    groups, last = [], 0.0
    for name in sorted(size, key=size.__getitem__):
        if not groups or 0 < FAR * last < size[name]:
            groups.append([])
        groups[-1].append(name)
        last = size[name]
    order = list(means).index
    return sorted((sorted(group, key=order) for group in groups), key=lambda group: order(group[0]))


def history(
    run: Any,
    ax: Axes | None = None,
    *,
    smooth: int | None = None,
    log: bool | None = None,
    panels: Sequence[Sequence[str]] | None = None,
    size: tuple[float, float] = (7.2, 4.2),
) -> Axes | Sheet:
    """Curves of what a Run (or a dict name -> (steps, values)) logged: every value pale, and on top the mean
    of `smooth` neighbours around it (by default a fiftieth of all).

    panels: lists of names, an axes for each; by default quantities of different size get panels of their
    own. With `ax` all of them are drawn there.
    log: whether values stand on a logarithmic axis; by default where they span decades.
    size: inches of a figure with one panel.
    """
    logged = {name: [np.asarray(part, float) for part in series] for name, series in
              getattr(run, "history", run).items() if len(series[1])}  # fmt: skip
    widths = {name: max(1, min(smooth or len(y) // 50, len(y))) for name, (_, y) in logged.items()}
    means = {name: _smoothed(y, widths[name]) for name, (_, y) in logged.items()}
    groups = [list(logged)] if ax is not None else [list(g) for g in panels or _panels(means)] or [[]]
    unknown = [name for group in groups for name in group if name not in logged]
    if unknown:
        raise ValueError(f"panels name {unknown[0]}, which was not logged; there are {', '.join(logged)}")
    if ax is None:
        sheet = figure(size[0], size[1] * (0.4 + 0.6 * len(groups)))
        spots = list(sheet.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0])
    else:
        spots = [ax]
    colours = dict(zip(logged, cycle(PALETTE), strict=False))
    for spot, names in zip(spots, groups, strict=True):
        _panel(spot, {name: (*logged[name], means[name], widths[name], colours[name]) for name in names}, log)
    spots[-1].set_xlabel("step")
    return sheet if ax is None else ax


def _panel(ax, curves, log):
    """Draw curves name -> (steps, values, means, width, colour) into one axes."""
    for steps, values, mean, width, colour in curves.values():
        if width > 1:
            ax.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        ax.plot(steps, mean, color=colour)
    seen = np.concatenate([mean[np.isfinite(mean)] for _, _, mean, *_ in curves.values()] or [[]])
    if log if log is not None else len(seen) and 0 < 10 * seen.min() < seen.max():
        ax.set_yscale("log")
    if len(curves) == 1:
        ax.set_ylabel(*curves)
    elif curves:
        _Labels(ax, [(x[-1], mean[-1], name, colour) for name, (x, _, mean, _, colour) in curves.items()])
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
    """Lines name -> {x: y}, labelled at their ends; those named in `baseline` are grey and dashed.

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
        style: dict[str, Any] = dict(linestyle="--" if name in baseline else "-", marker="o", markersize=6)
        if name == "yours" and "recorded" in lines:
            style = dict(linestyle="", marker="s", markersize=13, markeredgewidth=2.4, fillstyle="none")
            style |= dict(zorder=3, clip_on=False)
        ax.plot(x, y, color=colour, **style)
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
    what = "".join(word + label for word, label in ((": ", ylabel), (" over ", xlabel)) if label)
    describe(ax, f"Curves of {', '.join(lines)}{what}")
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
    """Numbers in [0, 1] (R, C) as shaded cells with row and column names, written in the format `show`; NaN
    stays empty."""
    table = torch.as_tensor(values).detach().cpu().double().numpy()
    if table.shape != (len(rows), len(cols)):
        raise ValueError(f"values must be {len(rows)} rows × {len(cols)} columns, got {table.shape}")
    longest = max(len(str(row)) for row in rows)
    ax, result = axes(ax, 1.2 + 0.1 * longest + 0.72 * len(cols), 1.4 + 0.46 * len(rows))
    ax.imshow(table, cmap=LinearSegmentedColormap.from_list("blue", ["white", COLOURS["real"]]),
              vmin=0, vmax=1, aspect="auto")  # fmt: skip
    for (i, j), value in np.ndenumerate(table):
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
    named = [f"{word}{'s' * (len(texts) > 1)}: {', '.join(map(str, texts))}"
             for word, texts in (("row", rows), ("column", cols))]  # fmt: skip
    describe(ax, f"Table of {len(rows)} × {len(cols)} numbers; {'; '.join(named)}")
    return result


def latent(
    z: torch.Tensor, labels: torch.Tensor, classes: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes | Sheet:
    """Points z (N, 2) coloured by class: labels int (N,) with the names `classes`, written into the clouds;
    float labels get a colour scale."""
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
            ax.text(x, y, name, color=ink(colour),
                    weight="bold", ha="center", va="center", size=14, zorder=3,
                    path_effects=[withStroke(linewidth=4, foreground="white")])  # fmt: skip
    ax.set(xlabel="first number of the code", ylabel="second number of the code", aspect="equal")
    return result

"""The course's one look: colours, matplotlib's settings (course.mplstyle), figures that show once."""

import sys
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath
from PIL import Image

Place = tuple[float, float, float, float]

plt.style.use(Path(__file__).with_name("course.mplstyle"))
PALETTE: tuple[str, ...] = tuple(plt.rcParams["axes.prop_cycle"].by_key()["color"])
PALETTE += ("#7A5195", "#8C564B", "#F0E442", "#4B7A00", "#003F5C", "#FF8FA3")
COLOURS = dict(zip(("real", "fake", "A", "B"), PALETTE, strict=False))
COLOURS |= {"bridge": PALETTE[5], "baseline": "#8A8A8A", "text": "#222222"}


class Sheet(Figure):
    """A figure that a notebook shows exactly once, be it the last line of a cell or not.

    `alt` is its text alternative: what the author says, or else what was drawn, axes by axes.
    """

    _alt: str | None = None

    @property
    def alt(self) -> str:
        return self._alt or "; ".join(map(_seen, self.axes)) or "An empty figure"

    @alt.setter
    def alt(self, text: str | None) -> None:
        self._alt = text

    def png(self) -> bytes:
        """Return the figure as the bytes of a PNG file."""
        file, small = BytesIO(), BytesIO()
        self.savefig(file, format="png", facecolor="white")
        Image.open(file).convert("RGB").save(small, "png", optimize=True)
        return small.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = bundle(self.png(), self.alt)
        display(data, metadata=metadata, raw=True)
        close(self)  # or the inline backend shows it again at the end of the cell


def close(figure: Figure) -> None:
    """Close a figure; the inline backend, which holds each one until the cell ends, lets it go as well."""
    plt.close(figure)
    inline = sys.modules.get("matplotlib_inline.backend_inline")
    waiting = inline.show._to_draw if inline else []
    if figure in waiting:
        waiting.remove(figure)


def _seen(ax):
    """Return what an axes says about itself, or else what its title, labels and legend say."""
    if "alt" in vars(ax):
        return vars(ax)["alt"]
    over = " over ".join(filter(None, (ax.get_ylabel(), ax.get_xlabel())))
    titles = [*map(ax.get_title, ("center", "left", "right")), over]
    what, names = "Picture" if ax.images else "Plot", ax.get_legend_handles_labels()[1]
    return ": ".join(filter(None, (what, ", ".join(filter(None, titles)), ", ".join(names))))


def describe(ax: Axes, text: str) -> None:
    """Let the axes say what it shows, for its figure's text alternative."""
    vars(ax)["alt"] = text


def bundle(picture: bytes | str, alt: str, kind: str = "image/png") -> tuple[dict, dict]:
    """Return data and metadata of an output: the text alternative stands where nbconvert looks for it."""
    return {kind: picture, "text/plain": alt}, {kind: {"alt": alt}}


def figure(width: float = 7.2, height: float = 4.2, *, alt: str | None = None, **options: Any) -> Sheet:
    """Return an empty figure, width × height inches, in the course's look; `alt` is its text alternative."""
    sheet = cast(Sheet, plt.figure(FigureClass=Sheet, figsize=(width, height), **options))
    sheet.alt = alt
    return sheet


def axes(
    ax: Axes | None, width: float = 7.2, height: float = 4.2, place: Place | None = None
) -> tuple[Axes, Axes | Sheet]:
    """Return the axes to draw in and what to return: a new figure of that size in inches, or `ax` itself.

    place: for a drawing in inches, y upwards, without ticks: (left, bottom, width, height) of its axes in a
        new figure, as shares of it.
    """
    result: Axes | Sheet | None = ax
    if ax is None:
        result = sheet = figure(width, height, layout="none" if place else None)
        ax = sheet.add_axes(place) if place else sheet.add_subplot()
    if place:
        ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        ax.set_axis_off()
    return ax, result or ax


def thumbnail(
    ax: Axes, pixels: Any, corner: tuple[float, float], width: float, height: float, **frame: Any
) -> None:
    """Draw a picture uint8 (H, W, 1 or 3) with a frame, its lower left corner given in the axes' units."""
    left, foot = corner
    ax.imshow(pixels, extent=(left, left + width, foot, foot + height), vmin=0, vmax=255, zorder=2)
    ax.add_patch(Rectangle(corner, width, height, facecolor="none", zorder=3, **frame))


@lru_cache(1000)
def extent(text: str, size: float = 12) -> tuple[float, float]:
    """Return width and height in inches of a text in points, of several lines and with formulas."""
    lines = text.split("\n") if text else []
    shapes = [TextPath((0, 0), line, size=size).get_extents() for line in lines if line.strip()]
    return max((shape.x1 for shape in shapes), default=0.0) / 72, len(lines) * 1.25 * size / 72


def ink(colour: str) -> tuple[float, float, float]:
    """Return the colour, dark enough for text on white."""
    r, g, b = to_rgb(colour)
    light = 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2
    dim = min(1.0, (0.16 / max(light, 1e-6)) ** (1 / 2.2))
    return r * dim, g * dim, b * dim

"""The course's one look: colours, matplotlib style, figures that show once."""

from functools import lru_cache
from io import BytesIO
from typing import Any, cast

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath
from PIL import Image

# Okabe & Ito's colours, which colour-blind readers can tell apart; then more, for the eighth class and later.
PALETTE: tuple[str, ...] = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
PALETTE += ("#7A5195", "#8C564B", "#F0E442", "#4B7A00", "#003F5C", "#FF8FA3")
COLOURS = {
    "real": "#0072B2",
    "fake": "#E69F00",
    "A": "#009E73",
    "B": "#CC79A7",
    "baseline": "#8A8A8A",
    "text": "#222222",
    "bridge": "#D55E00",
}

plt.rcParams.update(
    {
        "figure.dpi": 100,
        "savefig.dpi": 100,
        "figure.figsize": (7.2, 4.2),
        "figure.facecolor": "white",  # stays readable on a dark theme
        "savefig.facecolor": "white",
        "figure.constrained_layout.use": True,
        "font.size": 13,
        "axes.titlesize": 14,
        "axes.labelsize": 13,
        "xtick.labelsize": 12,
        "ytick.labelsize": 12,
        "legend.fontsize": 12,
        "legend.frameon": False,
        "axes.prop_cycle": plt.cycler(color=PALETTE[:7]),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#9A9A9A",
        "axes.labelcolor": COLOURS["text"],
        "text.color": COLOURS["text"],
        "xtick.color": "#555555",
        "ytick.color": "#555555",
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#E6E6E6",
        "grid.linewidth": 0.8,
        "lines.linewidth": 2.2,
        "image.interpolation": "nearest",
        "image.cmap": "gray",
    }
)


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
        """The figure as the bytes of a PNG file."""
        file = BytesIO()
        self.savefig(file, format="png", facecolor="white")
        small = BytesIO()
        Image.open(file).convert("RGB").save(small, "png", optimize=True)
        return small.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = bundle(self.png(), self.alt)
        display(data, metadata=metadata, raw=True)
        plt.close(self)  # or the inline backend shows it again at the end of the cell


def _seen(ax: Axes) -> str:
    """What an axes says about itself, or what its title, labels and legend say."""
    if "alt" in vars(ax):
        return vars(ax)["alt"]
    title = next((text for place in ("center", "left", "right") if (text := ax.get_title(place))), "")
    over = " over ".join(filter(None, (ax.get_ylabel(), ax.get_xlabel())))
    names = ", ".join(ax.get_legend_handles_labels()[1])
    what = "Picture" if ax.images else "Plot"
    return ": ".join(filter(None, (what, ", ".join(filter(None, (title, over))), names)))


def describe(ax: Axes, text: str) -> None:
    """Let the axes say what it shows, for its figure's text alternative."""
    vars(ax)["alt"] = text


def bundle(picture: bytes | str, alt: str, kind: str = "image/png") -> tuple[dict, dict]:
    """Data and metadata of an output: the text alternative stands where nbconvert looks for it."""
    return {kind: picture, "text/plain": alt}, {kind: {"alt": alt}}


def figure(width: float = 7.2, height: float = 4.2, *, alt: str | None = None, **options: Any) -> Sheet:
    """An empty figure, width × height inches, in the course's look; `alt` is its text alternative."""
    sheet = cast(Sheet, plt.figure(FigureClass=Sheet, figsize=(width, height), **options))
    sheet.alt = alt
    return sheet


def axes(ax: Axes | None, width: float = 7.2, height: float = 4.2) -> tuple[Axes, Axes | Sheet]:
    """The axes to draw in and what to return: a new figure, or the axes themselves."""
    if ax is not None:
        return ax, ax
    sheet = figure(width, height)
    return sheet.add_subplot(), sheet


def canvas(ax: Axes | None, width: float, height: float) -> tuple[Axes, Axes | Sheet]:
    """Axes for a drawing of width × height inches, y upwards, without ticks, and what to return."""
    sheet = None
    if ax is None:
        sheet = figure(width, height, layout="none")
        ax = sheet.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
    return ax, sheet or ax


def thumbnail(
    ax: Axes,
    pixels: Any,
    corner: tuple[float, float],
    width: float,
    height: float,
    *,
    edge: str = "#999999",
    line=1.0,
) -> None:
    """A picture uint8 (H, W, 1 or 3) with a frame, its lower left corner given, in the units of the axes."""
    limits = ax.get_xlim(), ax.get_ylim()
    shape = (corner[0], corner[0] + width, corner[1], corner[1] + height)
    shown = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    ax.imshow(shown, extent=shape, vmin=0, vmax=255, cmap="gray", zorder=2)
    ax.set(xlim=limits[0], ylim=limits[1])  # imshow moves them
    ax.add_patch(Rectangle(corner, width, height, fc="none", ec=edge, lw=line, zorder=3))


@lru_cache(1000)
def extent(text: str, size: float = 12) -> tuple[float, float]:
    """Width and height in inches of a text, of several lines and with formulas."""
    lines = text.split("\n") if text else []
    shapes = [TextPath((0, 0), line, size=size).get_extents() for line in lines if line.strip()]
    return max((shape.x1 for shape in shapes), default=0.0) / 72, len(lines) * 1.25 * size / 72


def ink(colour: str) -> tuple[float, float, float]:
    """The colour, dark enough for text on white."""
    r, g, b = to_rgb(colour)
    light = 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2
    dim = min(1.0, (0.16 / max(light, 1e-6)) ** (1 / 2.2))
    return r * dim, g * dim, b * dim

"""The course's one look: colours, matplotlib style, figures that show once."""

from io import BytesIO

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
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
    """A figure that a notebook shows exactly once, be it the last line of a cell or not."""

    def png(self):
        """The figure as the bytes of a PNG file."""
        file = BytesIO()
        self.savefig(file, format="png", facecolor="white")
        small = BytesIO()
        Image.open(file).convert("RGB").save(small, "png", optimize=True)
        return small.getvalue()

    def _ipython_display_(self):
        from IPython.display import display

        display({"image/png": self.png(), "text/plain": repr(self)}, raw=True)
        plt.close(self)  # or the inline backend shows it again at the end of the cell


def figure(width=7.2, height=4.2, **options):
    """An empty figure, width × height inches, in the course's look."""
    return plt.figure(FigureClass=Sheet, figsize=(width, height), **options)


def axes(ax, width=7.2, height=4.2):
    """The axes to draw in and what to return: a new figure, or the axes themselves."""
    if ax is not None:
        return ax, ax
    sheet = figure(width, height)
    return sheet.add_subplot(), sheet


def ink(colour):
    """The colour, dark enough for text on white."""
    r, g, b = to_rgb(colour)
    light = 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2
    dim = min(1.0, (0.16 / max(light, 1e-6)) ** (1 / 2.2))
    return r * dim, g * dim, b * dim

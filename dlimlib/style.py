"""The course's one look: colours, matplotlib style, figures that show once, pictures as arrays."""

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

# Okabe & Ito's colours, which colour-blind readers can tell apart; then more, for the eighth class and later.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
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


def to_uint8(x, range=(-1, 1)):
    """Pictures as a numpy array (N, H, W, 1 or 3) of uint8: from Images, a tensor (N, C, H, W) or (C, H, W),
    a numpy array with channels last, or a list of those; floats are read in `range` and clipped to it."""
    x = getattr(x, "x", x)
    if isinstance(x, (list, tuple)):
        if len(x) == 0:
            raise ValueError("there is no picture to draw: the list is empty")
        return np.concatenate([to_uint8(item, range) for item in x])
    if isinstance(x, torch.Tensor):
        x = x.detach()
        x = x if x.dtype == torch.uint8 else x.float()
        x = x.cpu().numpy()
        x = x[None] if x.ndim == 3 else x
        if x.ndim != 4 or x.shape[1] not in (1, 3):
            raise ValueError(f"pictures are tensors (N, C, H, W) with 1 or 3 channels, got {tuple(x.shape)}")
        x = x.transpose(0, 2, 3, 1)
    else:
        x = np.asarray(x)
        x = x[None] if x.ndim == 3 else x
        if x.ndim != 4 or x.shape[3] not in (1, 3):
            raise ValueError(f"numpy pictures are (N, H, W, C) with 1 or 3 channels, got {x.shape}")
    if x.dtype == np.uint8:
        return x
    low, high = range
    x = np.nan_to_num((x.astype(np.float32) - low) / (high - low), nan=0.0)
    return (x.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def enlarge(pictures, scale):
    """Pictures (N, H, W, C) with every pixel drawn scale × scale times, never smoothed."""
    return pictures.repeat(scale, 1).repeat(scale, 2)

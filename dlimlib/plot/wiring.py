"""How the parts of a model are wired: boxes on a grid, and arrows that say what flows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from ..pictures import also_range, to_uint8
from .style import COLOURS, Sheet, axes, describe, extent, ink, thumbnail

GREEK = "alpha beta gamma delta epsilon theta lambda mu sigma phi psi".split()
ACCENTS = ("hat", "bar", "tilde")
KEYS = {"fake": "fake", "hat": "fake", "real": "real", "A": "A", "B": "B"}  # of COLOURS, by parts of names
SAID = {"->": "to", "~>": "back to", "<->": "compared with"}
DASHES: dict[str, Any] = {"->": "-", "~>": (0, (4, 2.5)), "<->": (0, (1, 1.6))}
SYMBOL, NOTE = 17, 12  # points
GREY = "#666666"


@dataclass(eq=False)
class _Part:
    """A box: its place on the grid, what it is (network, tensor, loss, step), and its place in inches."""

    name: str
    row: int
    column: int
    kind: str
    symbol: str
    note: str
    colour: str
    picture: Any
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    # how much room the texts below a picture take
    caption = property(lambda self: 0 if self.picture is None else 0.36 + extent(self.note)[1])

    def side(self, right: int, up: int, shift: float) -> tuple[float, float]:
        """Return the middle of a side, where arrows begin and end, or beside it; right and up: -1, 0, 1."""
        x, y = self.x + right * self.width / 2, self.y + up * self.height / 2 - self.caption * (up < 0)
        return x + shift * abs(up), y + shift * abs(right)


@dataclass(eq=False)
class _Arrow:
    """An arrow between two parts, the way it goes, and how far above or below a row."""

    a: _Part
    b: _Part
    kind: str
    label: str = ""
    route: str = ""
    lane: float = 0.0
    span = property(lambda self: sorted((self.a.column, self.b.column)))


@also_range
def schematic(
    layout: str,
    arrows: Sequence[str],
    *,
    notes: Mapping[str, str] | None = None,
    images: Mapping[str, Any] | None = None,
    colours: Mapping[str, str] | None = None,
    value_range: tuple[float, float] = (-1, 1),
    ax: Axes | None = None,
) -> Axes | Sheet:
    """Draw how the parts of a model are wired.

    layout: the parts' names on a grid, a line of text for each row, "." where nothing stands:
        "x E z D x_hat". A capital is a network, `loss` a loss, a name in brackets or a sign such as + a step
        of arithmetic, all else what flows: x_real blue, x_fake and x_hat orange, x_A green, x_B purple.
    arrows: "x -> E -> z" for what flows, "loss ~> E: gradient" dashed, "x <-> x_hat" for what is compared;
        what follows the colon is written beside the last arrow.
    notes: a text for each name that needs one, as its meaning or its shape, below its symbol.
    images: a picture (C, H, W), floats in `value_range`, for each name that shall be seen.
    colours: the key of COLOURS for each name whose colour shall be another.
    """
    parts = _parts(layout, notes or {}, images or {}, colours or {}, value_range)
    wires = [wire for text in arrows for wire in _wires(text, parts)]
    taken = {(part.row, part.column) for part in parts.values()}
    for n, wire in enumerate(wires):
        met = any(w.a is wire.b and w.b is wire.a and w.route == "straight" for w in wires[:n])
        wire.route = _route(wire, taken, met)
    width, height = _place(parts.values(), wires)
    ax, result = axes(ax, width, height, place=(0, 0, 1, 1))
    for part in parts.values():
        _draw(ax, part)
    for wire in wires:
        _connect(ax, wire)
    said = [f"{w.a.name} {SAID[w.kind]} {w.b.name}" + f" ({w.label})" * bool(w.label) for w in wires]
    describe(ax, "Diagram: " + "; ".join(said).replace("\n", " "))
    return result


def _parts(layout, notes, images, colours, value_range):
    """Return the parts name -> _Part that a layout names."""
    parts = {}
    lines = enumerate(filter(str.strip, layout.split("\n")))
    cells = [(r, c, token) for r, line in lines for c, token in enumerate(line.split()) if token != "."]
    for row, column, token in cells:
        name = token.strip("()")
        if name in parts:
            raise ValueError(f"{name} stands twice in the layout")
        kind = "network" if name[0].isupper() else "loss" if name.startswith("loss") else "tensor"
        symbol, note = _symbol(name), notes.get(name, "")
        if token != name or not name[0].isalnum():
            kind, symbol = "step", {"*": "×", "-": "−"}.get(name, name.replace("_", " "))
        width = max(extent(symbol, SYMBOL)[0], extent(note)[0], 0.32) + 0.26
        height = 0.5 + extent(note)[1]
        if kind == "step" and len(symbol) == 1 and not note:
            width = height = 0.38
        picture = to_uint8(images[name], value_range)[0] if name in images else None
        if picture is not None:
            width, height = 0.95 * picture.shape[1] / picture.shape[0], 0.95
        colour = COLOURS[colours[name]] if name in colours else _colour(name, kind)
        parts[name] = _Part(name, row, column, kind, symbol, note, colour, picture, width, height)
    for what, names in (("notes", notes), ("images", images), ("colours", colours)):
        for name in set(names) - set(parts):
            raise ValueError(f"{what} name {name}, which is not in the layout; it has {', '.join(parts)}")
    return parts


def _wires(text, parts):
    """Return the arrows of "a -> b ~> c: label"."""
    chain, _, label = text.partition(":")
    names = re.split(r"\s*(<->|->|~>)\s*", chain.strip())
    if len(names) < 3:
        raise ValueError(f"an arrow is written a -> b, a ~> b or a <-> b, got {text!r}")
    for name in set(names[::2]) - set(parts):
        raise ValueError(f"{text!r} names {name!r}, which is not in the layout; it has {', '.join(parts)}")
    triples = zip(names[::2], names[1::2], names[2::2], strict=False)
    wires = [_Arrow(parts[a], parts[b], kind) for a, kind, b in triples]
    wires[-1].label = label.strip()
    return wires


def _symbol(name):
    """Return the name as formulas have it: x_hat with its hat, mu as a letter, z_q with its index."""
    letter = lambda w: rf"\{w}" if w in GREEK else w if len(w) == 1 else rf"\mathrm{{{w}}}"  # noqa: E731
    base, *words = name.split("_")
    text = letter(base)
    for accent in filter(ACCENTS.__contains__, words):
        text = rf"\{accent}{{{text}}}"
    below = ",".join(letter(word) for word in words if word not in ACCENTS)
    return f"${text}_{{{below}}}$" if below else f"${text}$"


def _colour(name, kind):
    """Return the course's colour of a thing, from its name."""
    plain = COLOURS["real"] if name == "x" else GREY
    plain = {"network": "#37474F", "loss": COLOURS["bridge"]}.get(kind, plain)
    return next((COLOURS[KEYS[word]] for word in name.split("_")[1:] if word in KEYS), plain)


def _route(wire, taken, met):
    """Return how an arrow goes: straight; round one corner, "across" first or "along" its column first; in a
    Z; over or under what stands in its row. `met`: another one comes straight from there."""
    a, b = (wire.a.row, wire.a.column), (wire.b.row, wire.b.column)

    def free(*way):
        """Whether nothing stands on the grid on a way from corner to corner, but at its ends."""
        passed = {(r, c) for (r0, c0), (r1, c1) in pairwise(way)
                  for r in range(min(r0, r1), max(r0, r1) + 1)
                  for c in range(min(c0, c1), max(c0, c1) + 1)}  # fmt: skip
        return not passed & taken - {a, b}

    if a[0] == b[0]:
        if wire.kind != "~>" and free(a, b) and not met:
            return "straight"
        clear = free((-1, a[1]), (a[0] - 1, b[1]))  # nothing stands above
        return "over" if clear and (wire.kind == "~>" or a[1] < b[1]) else "under"
    if a[1] == b[1] and free(a, b):
        return "straight"
    across, along = free(a, (a[0], b[1]), b), free(a, (b[0], a[1]), b)
    sideways = wire.b.kind == "network" and wire.a.kind != "network"  # networks are entered at their sides
    if along and (sideways or not across):
        return "along"
    return "across" if across else "z"


def _place(parts, wires):
    """Put the parts and the lanes of the arrows where they belong; return the width and height, inches."""
    high = lambda wire: extent(wire.label)[1]  # noqa: E731
    done = []
    for wire in sorted(wires, key=lambda w: w.span[1] - w.span[0]):  # those over the same columns get lanes
        if wire.route in ("over", "under"):
            near = [w for w in done if (w.route, w.a.row) == (wire.route, wire.a.row)
                    and w.span[0] < wire.span[1] and wire.span[0] < w.span[1]]  # fmt: skip
            wire.lane = max([0.2, *(w.lane + max(0.3, high(w) + 0.09) for w in near)])
            done.append(wire)
    upright = [w for w in wires if w.a.column == w.b.column and w.label]
    x, width = 0.12, 0.0
    for c in range(1 + max(p.column for p in parts)):
        here = [p for p in parts if p.column == c]
        wide = max((p.width for p in here), default=0.3)
        for p in here:
            p.x = x + wide / 2
        labels = [x + wide / 2 + 0.1 + extent(w.label)[0] for w in upright if w.a.column == c]
        width = max([width, x + wide, *labels])
        gaps = [extent(w.label)[0] + 0.34 if w.label else 0.5 if w.route == "z" else 0
                for w in wires if w.span == [c, c + 1] and not w.lane]  # fmt: skip
        x += wide + max([0.28, *gaps])
    y = 0.1
    for r in reversed(range(1 + max(p.row for p in parts))):
        here, lanes = [p for p in parts if p.row == r], [w for w in wires if w.a.row == r and w.lane]
        y += max((w.lane + 0.1 + high(w) for w in lanes if w.route == "under"), default=0)
        foot = y
        y += max((p.height / 2 + p.caption for p in here), default=0)
        for p in here:
            p.y = y
        y += max((p.height / 2 for p in here), default=0)
        for w in lanes:
            w.lane = y + w.lane if w.route == "over" else foot - w.lane
        y += max((w.lane - y + 0.1 + high(w) for w in lanes if w.route == "over"), default=0)
        labels = [high(w) + 0.25 for w in upright if r in (w.a.row, w.b.row)]
        y += max([0.34, *labels]) if r else 0.1
    return width + 0.12, y


def _points(wire):
    """Return the corners of an arrow, which may have to go up or down to the height of its lane."""
    a, b, route, lane = wire.a, wire.b, wire.route, wire.lane
    right, up = 1 if a.column < b.column else -1, 1 if a.row > b.row else -1
    leaves, enters = (up, -up) if not lane else (1, 1) if route == "over" else (-1, -1)
    shift = 0.1 * right if wire.kind == "~>" else 0.0  # beside what flows forwards
    level = route == "straight" and a.row == b.row
    start = a.side(*((right, 0) if level or route in ("across", "z") else (0, leaves)), shift)
    end = b.side(*((-right, 0) if level or route in ("along", "z") else (0, enters)), shift)
    turn = start[0] + 0.2 * right + shift
    corners = {"across": [(end[0], start[1])], "along": [(start[0], end[1])],
               "z": [(turn, start[1]), (turn, end[1])]}  # fmt: skip
    return [start, *corners.get(route, [(start[0], lane), (end[0], lane)] if lane else []), end]


def _draw(ax, part):
    """Draw one box and what stands in it, or a picture and what stands below it."""
    corner, solid = (part.x - part.width / 2, part.y - part.height / 2), part.kind == "network"
    drop = extent(part.note)[1]
    top = part.y + drop / 2
    if part.picture is not None:
        top = corner[1] - 0.2
        thumbnail(ax, part.picture, corner, part.width, part.height, edgecolor=part.colour, linewidth=2.4)
    else:
        edge = ink(part.colour) if solid else part.colour
        round_ = {"step": min(part.width, part.height) / 2 - 0.001, "loss": 0.22}.get(part.kind, 0.07)
        style = f"round,pad=0,rounding_size={round_}"
        ax.add_patch(FancyBboxPatch(corner, part.width, part.height, boxstyle=style, lw=2, zorder=2,
                                    ec=edge, fc=edge if solid else "white"))  # fmt: skip
    text = partial(ax.text, ha="center", va="center", zorder=5, color="white" if solid else COLOURS["text"])
    text(part.x, top, part.symbol, size=SYMBOL)
    text(part.x, top - 0.17 - drop / 2, part.note, size=NOTE, linespacing=1.15)


def _connect(ax, wire):
    """Draw one arrow, its corners rounded, and write its label beside its longest level piece."""
    points, colour = np.array(_points(wire)), COLOURS["bridge"] if wire.kind == "~>" else GREY
    legs = np.diff(points, axis=0)
    steps = legs * np.minimum(0.5, 0.14 / np.maximum(np.abs(legs).sum(1, keepdims=True), 1e-6))
    rounded = np.stack([points[1:-1] - steps[:-1], points[1:-1], points[1:-1] + steps[1:]], 1).reshape(-1, 2)
    codes = [Path.MOVETO, *[Path.LINETO, Path.CURVE3, Path.CURVE3] * (len(points) - 2), Path.LINETO]
    path = Path([points[0], *rounded, points[-1]], codes)
    ax.add_patch(PathPatch(path, fc="none", ec=colour, lw=1.9, linestyle=DASHES[wire.kind], zorder=1,
                           capstyle="butt"))  # fmt: skip
    for tip, step in [(points[-1], -steps[-1]), (points[0], steps[0])][: 1 + (wire.kind == "<->")]:
        ax.add_patch(FancyArrowPatch(tip + 0.1 * step, tip, arrowstyle="-|>,head_length=0.45,head_width=0.22",
                                     mutation_scale=17, shrinkA=0, shrinkB=0, lw=0.5, color=colour,
                                     zorder=1.5))  # fmt: skip
    text = partial(ax.text, s=wire.label, size=NOTE, zorder=5, linespacing=1.15,
                   color=ink(colour if wire.kind == "~>" else COLOURS["text"]))  # fmt: skip
    if wire.a.column == wire.b.column:
        text(points[0, 0] + 0.1, points[[0, -1], 1].mean(), ha="left", va="center")
        return
    longest = np.argmax(np.abs(legs[:, 0]))
    x, y = (points[longest] + points[longest + 1]) / 2
    va, away = ("top", -0.06) if wire.route == "under" else ("bottom", 0.05)
    text(x, y + away, ha="center", va=va)

"""How the parts of a model are wired: boxes on a grid, and arrows that say what flows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from ..pictures import also_range, to_uint8
from .style import COLOURS, Sheet, axes, describe, extent, ink, thumbnail

GREEK = "alpha beta gamma delta epsilon theta lambda mu sigma phi psi".split()
ACCENTS = ("hat", "bar", "tilde")
KEYS = {
    "fake": "fake",
    "hat": "fake",
    "real": "real",
    "A": "A",
    "B": "B",
}  # of COLOURS, by the parts of a name
SYMBOL, NOTE = 17, 12  # points
GREY = "#666666"


@dataclass
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

    def side(self, where: str, shift: float = 0.0) -> tuple[float, float]:
        """The middle of its left, right, upper or lower side, where arrows begin and end, or beside it."""
        if where in ("left", "right"):
            return self.x + (0.5 if where == "right" else -0.5) * self.width, self.y + shift
        foot = -self.height / 2 - self.caption
        return self.x + shift, self.y + (self.height / 2 if where == "up" else foot)


@dataclass
class _Arrow:
    """An arrow between two parts: how it goes, and on which of the lanes above or below a row."""

    a: _Part
    b: _Part
    kind: str
    label: str = ""
    route: str = ""
    lane: int = 0
    points: list[tuple[float, float]] = field(default_factory=list)
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
    _write(ax, parts.values(), wires)
    said = {"->": "to", "~>": "back to", "<->": "compared with"}
    all_ = [f"{w.a.name} {said[w.kind]} {w.b.name}" + f" ({w.label})" * bool(w.label) for w in wires]
    describe(ax, "Diagram: " + "; ".join(all_).replace("\n", " "))
    return result


# ------------------------------------------------------------------------------------------------ reading


def _parts(layout, notes, images, colours, value_range):
    """The parts name -> _Part that a layout names."""
    parts = {}
    for row, line in enumerate(filter(str.strip, layout.split("\n"))):
        for column, token in enumerate(line.split()):
            if token == ".":
                continue
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
    """The arrows of "a -> b ~> c: label"."""
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
    """The name as it is written in a formula: x_hat with its hat, mu as a letter, z_q with an index."""
    letter = lambda w: rf"\{w}" if w in GREEK else w if len(w) == 1 else rf"\mathrm{{{w}}}"  # noqa: E731
    base, *words = name.split("_")
    text = letter(base)
    for accent in filter(ACCENTS.__contains__, words):
        text = rf"\{accent}{{{text}}}"
    below = ",".join(letter(word) for word in words if word not in ACCENTS)
    return f"${text}_{{{below}}}$" if below else f"${text}$"


def _colour(name, kind):
    """The course's colour of a thing, from its name."""
    words = name.split("_")[1:]
    for word in filter(words.__contains__, KEYS):
        return COLOURS[KEYS[word]]
    plain = {"network": "#37474F", "loss": COLOURS["bridge"]}
    return plain.get(kind, COLOURS["real"] if name == "x" else GREY)


# ------------------------------------------------------------------------------------------------ placing


def _route(wire, taken, met):
    """How an arrow goes: straight; round one corner, "across" first or "along" its column first; in a Z; over
    or under what stands in its row. `met`: another one comes straight from there."""
    a, b, (left, right) = wire.a, wire.b, wire.span
    above, below = sorted((a.row, b.row))
    row_free = lambda row: all((row, c) not in taken for c in range(left + 1, right))  # noqa: E731
    column_free = lambda column: all((r, column) not in taken for r in range(above + 1, below))  # noqa: E731
    if left == right and column_free(left):
        return "straight"
    if above == below:
        if wire.kind != "~>" and row_free(above) and not met:
            return "straight"
        clear = all(r >= above or not left <= c <= right for r, c in taken)
        return "over" if clear and (wire.kind == "~>" or a.column < b.column) else "under"
    across = (a.row, b.column) not in taken and row_free(a.row) and column_free(b.column)
    along = (b.row, a.column) not in taken and column_free(a.column) and row_free(b.row)
    if along and b.kind == "network" and a.kind != "network":  # networks are entered and left at their sides
        return "along"
    return "across" if across else "along" if along else "z"


def _place(parts, wires):
    """Put the parts and the corners of the arrows where they belong; returns the width and height."""
    done: list[_Arrow] = []
    for wire in sorted(wires, key=lambda w: w.span[1] - w.span[0]):  # those over the same columns get lanes
        near = [w for w in done if (w.route, w.a.row) == (wire.route, wire.a.row)
                and w.span[0] < wire.span[1] and wire.span[0] < w.span[1]]  # fmt: skip
        wire.lane = min(set(range(len(wires))) - {w.lane for w in near})
        done.append(wire)
    upright = [w for w in wires if w.a.column == w.b.column and w.label]
    x, xs, width = 0.12, [], 0.0
    for c in range(1 + max(p.column for p in parts)):
        wide = max((p.width for p in parts if p.column == c), default=0.3)
        xs.append(x + wide / 2)
        right = [xs[c] + 0.1 + extent(w.label)[0] for w in upright if w.a.column == c]
        width = max(width, x + wide, *right)
        x += wide + 0.28
        for w in wires:
            if w.span == [c, c + 1] and w.route not in ("over", "under"):
                need = extent(w.label)[0] + 0.34 if w.label else 0.5 if w.route == "z" else 0
                x = max(x, xs[c] + wide / 2 + need)
    y, ys, lanes = -0.1, [], {}
    for r in range(1 + max(p.row for p in parts)):
        room = {"over": 0.0, "under": 0.0}
        for w in wires:
            if w.a.row == r and w.route in room:
                room[w.route] = max(room[w.route], 0.3 + 0.3 * w.lane + extent(w.label)[1])
        label = max((extent(w.label)[1] for w in upright if r in (w.a.row, w.b.row)), default=0)
        y -= (max(0.34, label + 0.25) if r else 0) + room["over"]
        lanes[r, "over"] = y + 0.2
        y -= max((p.height / 2 for p in parts if p.row == r), default=0)
        ys.append(y)
        y -= max((p.height / 2 + p.caption for p in parts if p.row == r), default=0)
        lanes[r, "under"] = y - 0.2
        y -= room["under"]
    height = 0.1 - y
    for part in parts:
        part.x, part.y = xs[part.column], ys[part.row] + height
    for wire in wires:
        away = 0.3 * wire.lane * (1 if wire.route == "over" else -1)
        wire.points = _points(wire, lanes.get((wire.a.row, wire.route), 0) + height + away)
    return width + 0.12, height


def _points(wire, lane):
    """The corners of an arrow, which may have to go up or down to the height of a lane."""
    a, b, route = wire.a, wire.b, wire.route
    ahead, back = ("right", "left") if a.column < b.column else ("left", "right")
    lower, upper = ("down", "up") if a.row < b.row else ("up", "down")
    shift = 0.0 if wire.kind != "~>" else 0.1 if a.column < b.column else -0.1  # beside what flows forwards
    if route in ("over", "under"):
        lower = upper = "up" if route == "over" else "down"
    level = route == "straight" and a.row == b.row
    start = a.side(ahead if level or route in ("across", "z") else lower, shift)
    end = b.side(back if level or route in ("along", "z") else upper, shift)
    turn = start[0] + (0.2 if ahead == "right" else -0.2) + shift
    corners = {"straight": [], "across": [(end[0], start[1])], "along": [(start[0], end[1])],
               "z": [(turn, start[1]), (turn, end[1])]}  # fmt: skip
    return [start, *corners.get(route, [(start[0], lane), (end[0], lane)]), end]


# ------------------------------------------------------------------------------------------------ drawing


def _draw(ax, part):
    """Draw one box."""
    frame = (part.x - part.width / 2, part.y - part.height / 2), part.width, part.height
    if part.picture is not None:
        thumbnail(ax, part.picture, *frame, edgecolor=part.colour, linewidth=2.4)
        return
    round_ = {"step": min(part.width, part.height) / 2 - 0.001, "loss": 0.22}.get(part.kind, 0.07)
    solid = part.kind == "network"
    edge = ink(part.colour) if solid else part.colour
    ax.add_patch(FancyBboxPatch(*frame, fc=edge if solid else "white", ec=edge, lw=2, zorder=2,
                                boxstyle=f"round,pad=0,rounding_size={round_}"))  # fmt: skip


def _write(ax, parts, wires):
    """Write what stands in the boxes, below the pictures and beside the arrows."""
    text = partial(ax.text, ha="center", va="center", zorder=5, linespacing=1.15)
    for part in parts:
        colour = "white" if part.kind == "network" else COLOURS["text"]
        drop = extent(part.note)[1]
        top = part.y + drop / 2 if part.picture is None else part.y - part.height / 2 - 0.2
        text(part.x, top, part.symbol, size=SYMBOL, color=colour)
        text(part.x, top - 0.17 - drop / 2, part.note, size=NOTE, color=colour)
    text = partial(text, size=NOTE)
    for wire in filter(attrgetter("label"), wires):
        points, colour = wire.points, ink(COLOURS["bridge"] if wire.kind == "~>" else COLOURS["text"])
        if points[0][0] == points[-1][0]:
            middle = (points[0][1] + points[-1][1]) / 2
            text(points[0][0] + 0.1, middle, wire.label, color=colour, ha="left")
            continue
        level = [leg for leg in zip(points, points[1:], strict=False) if leg[0][1] == leg[1][1]]
        (x, y), (end, _) = max(level, key=lambda leg: abs(leg[0][0] - leg[1][0]))
        va, away = ("top", -0.06) if wire.route == "under" else ("bottom", 0.05)
        text((x + end) / 2, y + away, wire.label, color=colour, va=va)


def _connect(ax, wire):
    """Draw one arrow, its corners rounded."""
    colour = COLOURS["bridge"] if wire.kind == "~>" else GREY
    dashes = (0, (4, 2.5)) if wire.kind == "~>" else (0, (1, 1.6)) if wire.kind == "<->" else "-"
    corners, codes = [wire.points[0]], [Path.MOVETO]
    for before, corner, after in zip(wire.points, wire.points[1:], wire.points[2:], strict=False):
        for end in (before, after):
            away = abs(end[0] - corner[0]) + abs(end[1] - corner[1])
            part = min(0.14, away / 2) / max(away, 1e-6)
            near = tuple(c + part * (e - c) for c, e in zip(corner, end, strict=True))
            corners += [near] if end is before else [corner, near]
            codes += [Path.LINETO] if end is before else [Path.CURVE3, Path.CURVE3]
    path = Path([*corners, wire.points[-1]], [*codes, Path.LINETO])
    ax.add_patch(PathPatch(path, fc="none", ec=colour, lw=1.9, linestyle=dashes, zorder=1, capstyle="butt"))
    head = partial(FancyArrowPatch, arrowstyle="-|>,head_length=0.45,head_width=0.22", mutation_scale=17,
                   shrinkA=0, shrinkB=0, lw=0.5, color=colour, zorder=1.5)  # fmt: skip
    for tip, before in [wire.points[:-3:-1]] + [wire.points[:2]] * (wire.kind == "<->"):  # never dashed
        ax.add_patch(head([t + 0.02 * (b - t) for t, b in zip(tip, before, strict=True)], tip))

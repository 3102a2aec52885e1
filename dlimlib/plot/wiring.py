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
from .style import COLOURS, Sheet, canvas, extent, ink, thumbnail

GREEK = "alpha beta gamma delta epsilon theta lambda mu sigma phi psi".split()
ACCENTS = ("hat", "bar", "tilde")
ARROW = re.compile(r"\s*(<->|->|~>)\s*")
SYMBOL, NOTE = 17, 12  # points
GREY = "#666666"


@dataclass
class _Part:
    """A box of the drawing: its place on the grid, what it is, and its size and middle in inches."""

    name: str
    row: int
    column: int
    kind: str  # network, tensor, loss or step
    symbol: str
    note: str
    colour: str
    picture: Any = None
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0

    @property
    def caption(self) -> float:
        """How much room the texts take below a picture."""
        return 0 if self.picture is None else 0.36 + (extent(self.note)[1] if self.note else 0)

    def side(self, direction: str, shift: float = 0.0) -> tuple[float, float]:
        """A little beside the middle of the left, right, upper or lower side, where arrows begin and end."""
        if direction in ("left", "right"):
            return self.x + (self.width if direction == "right" else -self.width) / 2, self.y + shift
        return self.x + shift, self.y + (
            self.height / 2 if direction == "up" else -self.height / 2 - self.caption
        )


@dataclass
class _Arrow:
    """An arrow between two parts: through which sides it goes, and which lane it has above or below them."""

    a: _Part
    b: _Part
    kind: str
    label: str
    route: str = ""
    lane: int = 0
    points: list[tuple[float, float]] = field(default_factory=list)


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
    ax, result = canvas(ax, width, height)
    for part in parts.values():
        _draw(ax, part)
    for wire in wires:
        _connect(ax, wire)
    _write(ax, parts.values(), wires)
    said = {"->": "to", "~>": "back to", "<->": "compared with"}
    ax.alt = "Diagram: " + "; ".join(
        f"{w.a.name} {said[w.kind]} {w.b.name}" + (f" ({w.label})" if w.label else "") for w in wires
    ).replace("\n", " ")
    return result


# ------------------------------------------------------------------------------------------------ reading


def _parts(layout, notes, images, colours, value_range):
    """The parts name -> _Part that a layout names."""
    parts = {}
    for row, line in enumerate(filter(str.strip, layout.strip("\n").split("\n"))):
        for column, token in enumerate(line.split()):
            name = token.strip("()")
            if token == ".":
                continue
            if name in parts:
                raise ValueError(f"{name} stands twice in the layout")
            kind = ("step" if token != name or not name[0].isalnum() else "loss" if name.startswith("loss")
                    else "network" if name[0].isupper() else "tensor")  # fmt: skip
            symbol = (
                {"*": "×", "-": "−"}.get(name, name.replace("_", " ")) if kind == "step" else _symbol(name)
            )
            colour = COLOURS[colours[name]] if name in colours else _colour(name, kind)
            picture = to_uint8(images[name], value_range)[0] if name in images else None
            parts[name] = _sized(_Part(name, row, column, kind, symbol, notes.get(name, ""), colour, picture))
    for what, names in (("notes", notes), ("images", images), ("colours", colours)):
        for name in names:
            if name not in parts:
                raise ValueError(f"{what} name {name}, which is not in the layout; it has {', '.join(parts)}")
    return parts


def _wires(text, parts):
    """The arrows of "a -> b ~> c: label"."""
    chain, _, label = text.partition(":")
    pieces = ARROW.split(chain.strip())
    for name in pieces[::2]:
        if name not in parts:
            raise ValueError(
                f"the arrow {text!r} names {name!r}, which is not in the layout: {', '.join(parts)}"
            )
    if len(pieces) < 3:
        raise ValueError(f"an arrow is written a -> b, a ~> b or a <-> b, got {text!r}")
    found = [_Arrow(parts[a], parts[b], kind, "")
             for a, kind, b in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False)]  # fmt: skip
    found[-1].label = label.strip()
    return found


def _symbol(name):
    """The name as it is written in a formula: x_hat with its hat, mu as a letter, z_q with an index."""
    base, *below = name.split("_")
    base = rf"\{base}" if base in GREEK else base if len(base) == 1 else rf"\mathrm{{{base}}}"
    for accent in ACCENTS:
        if accent in below:
            below.remove(accent)
            base = rf"\{accent}{{{base}}}"
    below = [
        rf"\{part}" if part in GREEK else part if len(part) == 1 else rf"\mathrm{{{part}}}" for part in below
    ]
    return f"${base}" + (f"_{{{','.join(below)}}}$" if below else "$")


def _colour(name, kind):
    """The course's colour of a thing, from its name."""
    words = name.split("_")
    for word, key in (("fake", "fake"), ("hat", "fake"), ("real", "real"), ("A", "A"), ("B", "B")):
        if word in words[1:]:
            return COLOURS[key]
    return {"network": "#37474F", "loss": COLOURS["bridge"]}.get(
        kind, COLOURS["real"] if name == "x" else GREY
    )


def _sized(part):
    """The part with the size that its texts and its picture need."""
    wide, high = extent(part.symbol, SYMBOL)
    note = extent(part.note, NOTE) if part.note else (0.0, 0.0)
    if part.picture is not None:
        part.height = 0.95
        part.width = part.height * part.picture.shape[1] / part.picture.shape[0]
    elif part.kind == "step" and not part.note and wide < 0.3:
        part.width = part.height = 0.38
    else:
        part.width, part.height = max(wide, note[0], 0.32) + 0.26, 0.5 + (note[1] if part.note else 0)
    return part


# ------------------------------------------------------------------------------------------------ placing


def _route(wire, taken, met):
    """How an arrow goes: straight, round one corner ("across" first, or "along" its column first), in a Z, or
    over or under what stands in between; `met`: another one comes straight from there."""
    a, b = wire.a, wire.b
    free = lambda row, column: (row, column) not in taken  # noqa: E731
    between = lambda p, q: range(min(p, q) + 1, max(p, q))  # noqa: E731
    clear_row = lambda row: all(free(row, c) for c in between(a.column, b.column))  # noqa: E731
    clear_column = lambda column: all(free(r, column) for r in between(a.row, b.row))  # noqa: E731
    if a.column == b.column and clear_column(a.column):
        return "straight"
    if a.row == b.row:
        if wire.kind != "~>" and clear_row(a.row) and not met:
            return "straight"
        above = all(
            free(r, c)
            for r in range(a.row)
            for c in range(min(a.column, b.column), max(a.column, b.column) + 1)
        )
        return "over" if above and (wire.kind == "~>" or a.column < b.column) else "under"
    across = free(a.row, b.column) and clear_row(a.row) and clear_column(b.column)
    along = free(b.row, a.column) and clear_column(a.column) and clear_row(b.row)
    if along and b.kind == "network" and a.kind != "network":
        return "along"
    return "across" if across else "along" if along else "z"


def _place(parts, wires):
    """Put the parts and the corners of the arrows where they belong; returns the width and height."""
    rows, columns = (range(1 + max(getattr(p, key) for p in parts)) for key in ("row", "column"))
    span = lambda wire: sorted((wire.a.column, wire.b.column))  # noqa: E731
    done: list[_Arrow] = []  # a lane of its own for each arrow that goes over or under the same columns
    for wire in sorted(wires, key=lambda wire: span(wire)[1] - span(wire)[0]):
        used = {w.lane for w in done if w.route == wire.route and w.a.row == wire.a.row
                and span(w)[0] < span(wire)[1] and span(wire)[0] < span(w)[1]}  # fmt: skip
        wire.lane = next(n for n in range(len(wires)) if n not in used)
        done.append(wire)
    wide = [max((p.width for p in parts if p.column == c), default=0.3) for c in columns]
    above, below, up, down = ([0.0] * len(rows) for _ in range(4))
    for part in parts:
        foot = part.height / 2 + part.caption
        up[part.row], down[part.row] = max(up[part.row], part.height / 2), max(down[part.row], foot)
    gaps = [0.32] * len(columns)
    for wire in wires:
        room = 0.3 + 0.3 * wire.lane + (extent(wire.label)[1] if wire.label else 0)
        if wire.route == "over":
            above[wire.a.row] = max(above[wire.a.row], room)
        elif wire.route == "under":
            below[wire.a.row] = max(below[wire.a.row], room)
        elif span(wire)[1] == span(wire)[0] + 1:  # beside each other
            need = max(extent(wire.label)[0] + 0.34 if wire.label else 0, 0.5 * (wire.route == "z"))
            gaps[span(wire)[0]] = max(gaps[span(wire)[0]], need)
    xs, x = [], 0.12
    for c in columns:
        xs.append(x + wide[c] / 2)
        x += wide[c] + gaps[c]
    width = xs[-1] + wide[-1] / 2 + 0.12
    labels = [w for w in wires if w.label and w.a.column == w.b.column]
    width = max([width] + [xs[w.a.column] + 0.2 + extent(w.label)[0] for w in labels])
    ys, y = [], -0.1
    for r in rows:
        high = max((extent(w.label)[1] for w in labels if max(w.a.row, w.b.row) == r), default=0)
        y -= (max(0.34, high + 0.25) if r else 0) + above[r] + up[r]
        ys.append(y)
        y -= down[r] + below[r]
    height = 0.1 - y
    for part in parts:
        part.x, part.y = xs[part.column], ys[part.row] + height
    for wire in wires:
        wire.points = _points(wire, height, ys, up, down)
    return width, height


def _points(wire, height, ys, up, down):
    """The corners of an arrow."""
    a, b, row = wire.a, wire.b, wire.a.row
    ahead, back = ("right", "left") if a.column < b.column else ("left", "right")
    lower, upper = ("down", "up") if a.row < b.row else ("up", "down")
    shift = 0.0 if wire.kind != "~>" else 0.1 if a.column < b.column else -0.1  # beside what flows forwards
    if wire.route in ("over", "under"):
        side = "up" if wire.route == "over" else "down"
        away = 0.2 + 0.3 * wire.lane
        lane = ys[row] + height + (up[row] + away if side == "up" else -down[row] - away)
        start, end = a.side(side, shift), b.side(side, shift)
        return [start, (start[0], lane), (end[0], lane), end]
    if wire.route == "straight":
        return (
            [a.side(ahead), b.side(back)] if a.row == b.row else [a.side(lower, shift), b.side(upper, shift)]
        )
    if wire.route == "across":
        start, end = a.side(ahead, shift), b.side(upper, shift)
        return [start, (end[0], start[1]), end]
    start, end = a.side(lower if wire.route == "along" else ahead, shift), b.side(back, shift)
    if wire.route == "along":
        return [start, (start[0], end[1]), end]
    turn = start[0] + (0.2 if ahead == "right" else -0.2) + shift
    return [start, (turn, start[1]), (turn, end[1]), end]


# ------------------------------------------------------------------------------------------------ drawing


def _draw(ax, part):
    """Draw one box."""
    frame = (part.x - part.width / 2, part.y - part.height / 2), part.width, part.height
    if part.picture is not None:
        thumbnail(ax, part.picture, *frame, edge=part.colour, line=2.4)
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
        drop = extent(part.note)[1] if part.note else 0
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

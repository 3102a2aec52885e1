"""The drawing of a network, made from the real one: what its functions do to the shapes, and its bridges."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from torch import nn
from torch.overrides import TorchFunctionMode

from ..pictures import also_range, to_uint8
from .grids import paint
from .style import COLOURS, PALETTE, Sheet, canvas, extent, thumbnail

PAGE = 10.5  # inches that a drawing may be wide
RESHAPES = ("view", "reshape", "flatten", "unflatten", "pixel_shuffle", "squeeze", "unsqueeze")


@dataclass
class Step:
    """One change of shape on the way through a network: (C, H, W) or (D,), and the steps it came from."""

    shape: tuple[int, ...]
    sources: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)  # channels of what was concatenated, -1: from elsewhere
    pointwise: bool = False  # a 1 × 1 convolution

    @property
    def side(self) -> int:
        """The resolution, 1 for a vector."""
        return self.shape[1] if len(self.shape) == 3 else 1


class _Trace(TorchFunctionMode):
    """Notes each function of torch that changes the shape of what came from x."""

    def __init__(self, x):
        super().__init__()
        self.steps, self.made, self.kept = [Step(tuple(x.shape[1:]))], {id(x): 0}, [x]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        given = [t for arg in (*args, *(kwargs or {}).values()) for t in _tensors(arg)]
        known = [self.made[id(t)] for t in given if id(t) in self.made]
        outputs = [t for t in _tensors(result) if t.dim() > 0]
        if known and outputs and id(outputs[0]) not in self.made:
            self.kept += outputs  # or another tensor may get its id
            place = self._place(name, given, known, tuple(outputs[0].shape[1:]))
            self.made.update((id(t), place) for t in outputs)
        return result

    def _place(self, name, given, known, shape):
        """Which step a result of this shape belongs to: one of those it came from, or a new one."""
        steps = self.steps
        alike = [i for i in known if steps[i].shape == shape]
        if name in ("cat", "concat", "concatenate") and not alike and len(shape) in (1, 3):
            parts = sorted((self.made.get(id(t), -1), t.shape[1]) for t in given)  # the newest at the end
            steps.append(Step(shape, [source for source, _ in parts], [channels for _, channels in parts]))
        elif alike and name in ("add", "add_", "__add__") and len(set(alike)) == 2:
            first, last = sorted(set(alike))
            if all(step.side == steps[last].side for step in steps[first:last]):
                return first  # a residual block adds to what it was given
            steps[last].sources.append(first)
            return last
        elif alike or len(shape) not in (1, 3):
            return max(alike or known)
        elif name in RESHAPES and math.prod(shape) == math.prod(steps[max(known)].shape):
            if len(shape) == 3 and max(known) > 0:
                steps[max(known)].shape = shape
            return max(known)
        else:
            kernel = given[1].shape[2:] if name == "conv2d" else ()
            steps.append(Step(shape, [max(known)], pointwise=tuple(kernel) == (1, 1)))
        return len(steps) - 1


def _tensors(value):
    """The tensors that a value is or holds."""
    return [
        t for t in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(t, torch.Tensor)
    ]


def trace(model: nn.Module, x: torch.Tensor) -> tuple[list[Step], torch.Tensor]:
    """Run x (B, C, H, W) or (B, D) through the model: the steps from x to the output, and the output.

    Left out are what does not lead to the output, residual branches, and what is part of the step after it:
    a 1 × 1 convolution or the growing before a concatenation.
    """
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), _Trace(x) as traced:
            output = model(x)
    finally:
        for module, mode in modes.items():
            module.training = mode
    output = output[0] if isinstance(output, (list, tuple)) else output
    steps = traced.steps
    kept, ahead = set(), [traced.made.get(id(output), len(steps) - 1)]
    while ahead:
        i = ahead.pop()
        if i >= 0 and i not in kept:
            kept.add(i)
            ahead += steps[i].sources
    for i in sorted(kept, reverse=True):
        users = [steps[j] for j in kept if i in steps[j].sources]
        if i and len(users) == 1 and len(steps[i].sources) == 1:
            (user,), (source,) = users, steps[i].sources
            step, widths = steps[i], (*user.shape[:1], *user.parts)
            grows = step.pointwise and user.side > step.side and step.shape[0] in widths
            joins = user.parts and user.side == step.side > steps[source].side
            if grows or joins:
                user.sources = [source if j == i else j for j in user.sources]
                kept.remove(i)
    order = sorted(kept)
    for i in order:
        steps[i].sources = [order.index(j) if j in kept else -1 for j in steps[i].sources]
    return [steps[i] for i in order], output


@dataclass
class _Box:
    """Where a step is drawn: the middle of the box and its size, in inches."""

    x: float
    y: float
    width: float
    height: float
    parts: list[float] = field(default_factory=list)  # widths of joined boxes
    picture: Any = None

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def below(self) -> float:
        """The middle of the part that comes from the step before."""
        return self.right - self.parts[-1] / 2 if self.parts else self.x


@also_range
def network(
    model: nn.Module, x: torch.Tensor, ax: Axes | None = None, *, value_range: tuple[float, float] = (-1, 1)
) -> Axes | Sheet:
    """Draw the network as x (B, C, H, W) or (B, D) passes through it: a box for each change of shape, as high
    as its resolution and as wide as its channels, whose number stands in it; vectors are orange.

    Where an earlier result is concatenated, joined boxes and a bridge, the resolution then goes downwards.
    Pictures are floats in `value_range`; logits of labels at the size of x are painted.
    """
    steps, output = trace(model, x[:1])
    bridges = [
        (a, b)
        for b, step in enumerate(steps)
        for a in step.sources[: len(step.parts) or None]
        if 0 <= a < b - 1
    ]
    deep = any(min(step.side for step in steps[a:b]) < steps[b].side for a, b in bridges)
    boxes = _boxes(steps, output, x, value_range, 1.15 if deep else 1.9)
    for gap in (0.34, 0.26, 0.18, 0.1):
        width, height = (_valley if deep else _row)(steps, boxes, gap)
        if width <= PAGE:
            break
    ax, result = canvas(ax, width, height)
    for box, step in zip(boxes, [*steps, steps[-1]], strict=False):
        _draw(ax, box, step)
    _connect(ax, steps, boxes, bridges, deep)
    _resolutions(ax, steps, boxes, deep)
    ax.alt = _described(steps, bridges)
    return result


def _described(steps, bridges):
    said = " → ".join("×".join(map(str, step.shape)) for step in steps)
    joined = f", {len(bridges)} bridges" if len(bridges) > 1 else ", 1 bridge" if bridges else ""
    return f"Drawing of a network{joined}; shapes on its way: {said}"


def _boxes(steps, output, x, value_range, tallest):
    """A box of its right size for each step, and one more for painted labels."""
    maps = any(len(step.shape) == 3 for step in steps[1:-1])
    top = max(math.sqrt(math.prod(s.shape)) if len(s.shape) == 1 and not maps else s.side for s in steps)

    def size(step):
        vector = len(step.shape) == 1
        side = math.sqrt(step.shape[0]) if vector else step.side
        height = 0.34 + (tallest - 0.34) * ((side - 1) / max(top - 1, 1)) ** 0.75
        channels = step.parts or step.shape[:1]
        widths = [max(0.24 + 0.03 * math.log2(c), 0.14 + 0.105 * len(str(c))) for c in channels]
        return widths, 0.26 if vector and maps else height

    boxes = []
    for i, step in enumerate(steps):
        widths, height = size(step)
        box = _Box(0, 0, sum(widths), height, widths if step.parts else [])
        first, shape = i == 0, step.shape
        if len(shape) == 3 and shape[0] in (1, 3) and (first or (i == len(steps) - 1 and _full(steps))):
            box.picture = to_uint8((x if first else output)[:1], value_range)[0]
            box.width = height * shape[2] / shape[1]
        boxes.append(box)
    last, first = steps[-1].shape, steps[0].shape
    if len(last) == len(first) == 3 and last[1:] == first[1:] and 3 < last[0] <= len(PALETTE):
        painted = to_uint8(paint(output[:1].argmax(1)))[0]
        boxes.append(_Box(0, 0, boxes[-1].height * last[2] / last[1], boxes[-1].height, picture=painted))
    return boxes


def _full(steps):
    """Whether what comes out can be a picture: as large as the one that went in, or from a vector."""
    return len(steps) > 1 and (len(steps[0].shape) == 1 or steps[0].side == steps[-1].side)


def _row(steps, boxes, gap):
    """Place the boxes in a row, with room below for each resolution's name; returns the width and height."""
    middle = 0.55 + max(box.height for box in boxes) / 2
    edge, before = 0.12, -0.04  # the right edge so far, and that of the last name
    for run in _runs(steps, boxes):
        wide = sum(boxes[i].width for i in run) + gap * (len(run) - 1)
        name = extent(_name(steps, run[0]))[0]
        edge = max(edge, before + 0.14 + (name - wide) / 2)
        before = edge + (wide + name) / 2
        for i in run:
            boxes[i].x, boxes[i].y = edge + boxes[i].width / 2, middle
            edge += boxes[i].width + gap
    return max(edge - gap, before) + 0.12, middle + max(box.height for box in boxes) / 2 + 0.1


def _runs(steps, boxes):
    """Neighbours of the same resolution, as lists of their places; what is painted belongs to the last."""
    runs = []
    for i in range(len(boxes)):
        step, before = steps[min(i, len(steps) - 1)], steps[max(0, min(i, len(steps)) - 1)]
        if i and step.shape[1:] == before.shape[1:]:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _valley(steps, boxes, gap):
    """Place the boxes along a U, one height for each resolution; returns the drawing's width and height."""
    levels = sorted({step.side for step in steps}, reverse=True)
    of = [levels.index(step.side) for step in steps] + [levels.index(steps[-1].side)]
    bottom = max(i for i in range(len(steps)) if of[i] == len(levels) - 1)
    tall = [
        max(box.height for box, level in zip(boxes, of, strict=False) if level == k)
        for k in range(len(levels))
    ]
    depth = [sum(tall[:k]) + tall[k] / 2 + 0.36 * k for k in range(len(levels))]
    height = depth[-1] + tall[-1] / 2 + 0.3
    arms = [list(range(bottom + 1)), list(range(bottom + 1, len(boxes)))]
    for arm in arms:
        x = 0.0
        for before, i in zip([None, *arm], arm, strict=False):
            box = boxes[i]
            if before is not None and of[before] == of[i]:
                x = boxes[before].right + gap + box.width / 2
            elif before is not None:
                x = boxes[before].below + box.x - box.below
            box.x, box.y = x, height - 0.15 - depth[of[i]]
    edges = [[(boxes[i].left, boxes[i].right, of[i]) for i in arm] for arm in arms]
    shift = boxes[bottom].right + 0.3 - boxes[bottom + 1].below
    for left, _, level in edges[1]:
        shift = max(shift, max((right for _, right, k in edges[0] if k == level), default=-9) + 0.8 - left)
    names = 0.2 + extent(_name(steps, 0))[0]
    for i, box in enumerate(boxes):
        box.x += names - min(left for left, *_ in edges[0]) + (shift if i > bottom else 0)
    return max(box.right for box in boxes) + 0.1, height


def _draw(ax, box, step):
    if box.picture is not None:
        thumbnail(ax, box.picture, (box.left, box.y - box.height / 2), box.width, box.height)
        return
    left, bottom = box.left, box.y - box.height / 2
    for k, width in enumerate(box.parts or [box.width]):
        colour = COLOURS["fake"] if len(step.shape) == 1 else COLOURS["real"]
        if k < len(box.parts) - 1:
            colour = COLOURS["bridge"] if step.sources[k] >= 0 else COLOURS["baseline"]
        ax.add_patch(Rectangle((left, bottom), width, box.height, fc=colour, ec="white", lw=1, zorder=2))
        dark = colour == COLOURS["fake"]
        ax.text(left + width / 2, box.y, str((step.parts or step.shape)[k]), size=12, zorder=4, ha="center",
                va="center_baseline", color=COLOURS["text"] if dark else "white")  # fmt: skip
        left += width


def _connect(ax, steps, boxes, bridges, deep):
    """Funnels between the boxes of a row; arrows along a U, and its straight bridges."""
    for a, b in zip(boxes, boxes[1:], strict=False):
        if not deep:
            corners = [(a.right, a.y - a.height / 2), (a.right, a.y + a.height / 2),
                       (b.left, b.y + b.height / 2), (b.left, b.y - b.height / 2)]  # fmt: skip
            ax.add_patch(Polygon(corners, fc="#E9EEF3", ec="none", zorder=1))
        elif a.y == b.y:
            _arrow(ax, (a.right, a.y), (b.left, b.y))
        elif a.y > b.y:
            _arrow(ax, (b.x, a.y - a.height / 2), (b.x, b.y + b.height / 2))
        elif abs(a.below - b.below) < 0.01:
            _arrow(ax, (a.below, a.y + a.height / 2), (a.below, b.y - b.height / 2))
        else:  # the round base of the U
            _arrow(ax, (a.right, a.y), (b.below, b.y - b.height / 2), "angle,angleA=0,angleB=90,rad=9")
    for i, j in bridges:
        a, b = boxes[i], boxes[j]
        if deep:
            _arrow(ax, (a.right, a.y), (b.left, b.y), colour=COLOURS["bridge"])
        else:
            roof = max(box.height for box in boxes[i : j + 1]) / 2 + a.y + 0.06
            ax.plot((a.x, a.x, b.x, b.x), (a.y + a.height / 2, roof, roof, b.y + b.height / 2),
                    color=COLOURS["bridge"], linewidth=1.8, zorder=1)  # fmt: skip


def _arrow(ax, start, end, bend="arc3", colour="#666666"):
    ax.add_patch(FancyArrowPatch(start, end, connectionstyle=bend, arrowstyle="-|>", mutation_scale=11,
                                 shrinkA=1, shrinkB=1, color=colour, lw=1.6, zorder=1))  # fmt: skip


def _name(steps, i):
    """How the resolution of a step is written."""
    shape = steps[min(i, len(steps) - 1)].shape
    return f"{shape[1]}×{shape[2]}" if len(shape) == 3 else "numbers" if shape[0] > 1 else "number"


def _resolutions(ax, steps, boxes, deep):
    """Write each resolution once: below its boxes, or at the left of its level."""
    named = set()
    for run in _runs(steps, boxes):
        name, first = _name(steps, run[0]), boxes[run[0]]
        if not deep:
            ax.text((first.left + boxes[run[-1]].right) / 2, 0.3, name, ha="center", va="center", size=12)
        elif name not in named:
            ax.text(first.left - 0.1, first.y, name, ha="right", va="center", size=12)
        named.add(name)

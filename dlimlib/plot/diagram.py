"""The drawing of a network, made from the real one: what its functions do to the shapes, and its bridges."""

import math
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from matplotlib.path import Path
from torch import nn
from torch.overrides import TorchFunctionMode

from ..pictures import also_range, to_uint8
from .grids import paint
from .style import COLOURS, PALETTE, Sheet, axes, describe, extent, thumbnail

PAGE = 10.5  # inches that a drawing may be wide
RESHAPES = ("view", "reshape", "flatten", "unflatten", "pixel_shuffle", "squeeze", "unsqueeze")


@dataclass(eq=False)
class Step:
    """A change of shape on the way through a network, (C, H, W) or (D,), and the box that it is drawn as."""

    shape: tuple[int, ...]
    sources: list[int] = field(default_factory=list)  # the steps it came from, -1: from elsewhere
    parts: list[int] = field(default_factory=list)  # how many channels of each were concatenated
    pointwise: bool = False  # a 1 × 1 convolution
    picture: Any = None  # uint8 (H, W, 1 or 3)
    x: float = 0.0  # the middle of the box, in inches
    y: float = 0.0
    height: float = 0.0
    widths: list[float] = field(default_factory=list)  # one, or those of joined boxes
    side = property(lambda self: self.shape[1] if len(self.shape) == 3 else 1)  # the resolution
    left = property(lambda self: self.x - sum(self.widths) / 2)
    right = property(lambda self: self.x + sum(self.widths) / 2)
    top = property(lambda self: self.y + self.height / 2)
    foot = property(lambda self: self.y - self.height / 2)
    axis = property(lambda self: self.right - self.widths[-1] / 2)  # of what comes from the step before


class _Trace(TorchFunctionMode):
    """Note each function of torch that changes the shape of what came from x."""

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
        """Return the step a result of this shape belongs to: one of those it came from, or a new one."""
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
    """Return the tensors that a value is or holds."""
    return [t for t in (value if isinstance(value, (list, tuple)) else [value]) if torch.is_tensor(t)]


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
    last = traced.made.get(id(output), len(steps) - 1)
    kept = {last}
    for i in range(last, -1, -1):  # a step has its sources before it
        step, users = steps[i], [steps[j] for j in kept if i in steps[j].sources]
        if i in kept and i and len(users) == len(step.sources) == 1:
            (user,), (source,) = users, step.sources
            grows = step.pointwise and user.side > step.side and step.shape[0] in (user.shape[0], *user.parts)
            joins = user.parts and user.side == step.side > steps[source].side
            if grows or joins:
                user.sources = [source if j == i else j for j in user.sources]
                kept = kept - {i} | {source}
        if i in kept:
            kept.update(j for j in step.sources if j >= 0)
    order = sorted(kept)
    for i in order:
        steps[i].sources = [order.index(j) if j in kept else -1 for j in steps[i].sources]
    return [steps[i] for i in order], output


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
    said = " → ".join("×".join(map(str, step.shape)) for step in steps)
    bridges = [(steps[a], step) for b, step in enumerate(steps) for a in step.sources if 0 <= a < b - 1]
    deep = any(a.side == b.side > min(step.side for step in steps) for a, b in bridges)
    _show(steps, x[:1], output[:1], value_range)
    _measure(steps, 1.15 if deep else 1.9)
    for gap in (0.34, 0.26, 0.18, 0.1):
        width, height = _lay_out(steps, gap, deep)
        if width <= PAGE:
            break
    ax, result = axes(ax, width, height, place=(0, 0, 1, 1))
    for step in steps:
        _draw(ax, step)
    (_climb if deep else _funnel)(ax, steps, bridges)
    count = f", {len(bridges)} bridge{'s' * (len(bridges) > 1)}" if bridges else ""
    describe(ax, f"Drawing of a network{count}; shapes on its way: {said}")
    return result


def _show(steps, x, output, value_range):
    """Give the ends of the network their pictures, and labels one more step in which they are painted."""
    first, last = steps[0], steps[-1]
    ends = [(first, x)]
    if last is not first and (len(first.shape) == 1 or first.side == last.side):
        ends.append((last, output))
    for step, values in ends:
        if len(step.shape) == 3 and step.shape[0] in (1, 3):
            step.picture = to_uint8(values, value_range)[0]
    if len(last.shape) == 3 and last.shape[1:] == first.shape[1:] and 3 < last.shape[0] <= len(PALETTE):
        steps.append(Step((3, *last.shape[1:]), picture=to_uint8(paint(output.argmax(1)))[0]))


def _measure(steps, tallest):
    """Give each box its size: its height grows with the resolution, a vector between maps is the smallest."""
    maps = any(len(step.shape) == 3 and step.picture is None for step in steps)
    size = lambda step: step.side if maps or step.side > 1 else math.sqrt(step.shape[0])  # noqa: E731
    largest = max(2, *map(size, steps))
    for step in steps:
        step.height = 0.34 + (tallest - 0.34) * ((size(step) - 1) / (largest - 1)) ** 0.75
        if maps and len(step.shape) == 1:
            step.height = 0.26
        channels = step.parts or step.shape[:1]
        step.widths = [max(0.24 + 0.03 * math.log2(c), 0.14 + 0.105 * len(str(c))) for c in channels]
        if step.picture is not None:
            step.widths = [step.height * step.shape[2] / step.shape[1]]


def _name(step):
    """Return how the resolution of a step is written."""
    if len(step.shape) == 3:
        return f"{step.shape[1]}×{step.shape[2]}"
    return "numbers" if step.shape[0] > 1 else "number"


def _lay_out(steps, gap, deep):
    """Place the boxes in a row, or along a U, one height for each resolution, so that the resolutions' names
    fit below or at the left; return the width and height."""
    turn = 1 + max(range(len(steps)), key=lambda i: (-steps[i].side, i))  # where the right arm begins
    height, levels = 0.15 if deep else 0.55, {}
    for side, level in groupby(sorted(steps, key=lambda s: s.side * deep), lambda s: s.side * deep):
        tall = max(step.height for step in level)
        levels[side], height = height + tall / 2, height + tall + 0.36
    for step in steps:
        step.x, step.y = 0.0, levels[step.side * deep]
    wider = lambda step: (extent(_name(step))[0] - sum(step.widths)) / 2  # noqa: E731
    for before, step in pairwise(steps):
        if deep and step.side != before.side:
            step.x = (before.right + 0.3 if step is steps[turn] else before.axis) - step.axis
        else:
            named = 0 if deep or _name(before) == _name(step) else wider(before) + wider(step) + 0.14
            step.x = before.right + max(gap, named) + sum(step.widths) / 2
    ends = {step.side: step.right for step in steps[:turn]}
    apart = max([0.0, *(ends.get(step.side, -9) + 0.8 - step.left for step in steps[turn:])]) if deep else 0
    over = 0.1 if deep else 0.12 + max(0, wider(steps[-1]))
    margin = 0.2 + extent(_name(steps[0]))[0] if deep else 0.12 + max(0, wider(steps[0]))
    for i, step in enumerate(steps):
        step.x += margin + sum(steps[0].widths) / 2 + apart * (i >= turn)
    return max(step.right for step in steps) + over, height - 0.21


def _draw(ax, step):
    """Draw one box, or those that are joined."""
    if step.picture is not None:
        thumbnail(ax, step.picture, (step.left, step.foot), step.widths[0], step.height, edgecolor="#999999")
        return
    left = step.left
    for k, (width, channels) in enumerate(zip(step.widths, step.parts or step.shape, strict=False)):
        key = "fake" if len(step.shape) == 1 else "real"
        if k < len(step.widths) - 1:  # what is concatenated comes over a bridge, or from elsewhere
            key = "bridge" if step.sources[k] >= 0 else "baseline"
        box = Rectangle((left, step.foot), width, step.height, fc=COLOURS[key], ec="white", lw=1, zorder=2)
        ax.add_patch(box)
        ax.text(left + width / 2, step.y, str(channels), size=12, ha="center", va="center_baseline", zorder=4,
                color=COLOURS["text"] if key == "fake" else "white")  # fmt: skip
        left += width


def _funnel(ax, steps, bridges):
    """Connect the boxes of a row, with bridges above them, and write the resolutions below."""
    for a, b in pairwise(steps):
        corners = (a.right, a.foot), (a.right, a.top), (b.left, b.top), (b.left, b.foot)
        ax.add_patch(Polygon(corners, fc="#E9EEF3", ec="none", zorder=1))
    for a, b in bridges:
        roof = max(step.top for step in steps) + 0.06
        ax.plot((a.x, a.x, b.x, b.x), (a.top, roof, roof, b.top), color=COLOURS["bridge"], lw=1.8, zorder=1)
    for name, run in groupby(steps, _name):
        first, *_, last = [*run] * 2
        ax.text((first.left + last.right) / 2, 0.3, name, ha="center", va="center", size=12)


def _climb(ax, steps, bridges):
    """Connect the boxes of a U and write the resolutions at the left of its levels."""
    for a, b in [*pairwise(steps), *bridges]:
        start, end, bend = (a.right, a.y), (b.left, b.y), "arc3"
        if a.y > b.y:
            start, end = (a.axis, a.foot), (a.axis, b.top)
        elif a.y < b.y:
            end, bend = (b.axis, b.foot), "angle,angleA=0,angleB=90,rad=9"  # the round base
            if abs(a.axis - b.axis) < 0.01:
                start, bend = (a.axis, a.top), "arc3"
        way = {"posA": start, "posB": end, "connectionstyle": bend}
        if passed := [step for step in steps if step.y == a.y == b.y and a.right < step.left < b.left]:
            x, roof = b.left + b.widths[0] / 2, max(step.top for step in (a, *passed, b)) + 0.12
            corner = a.right + 0.2  # then up, and over the boxes between
            way = {"path": Path([start, (corner, a.y), (corner, roof), (x, roof), (x, b.top + 0.02)])}
        colour = COLOURS["bridge"] if (a, b) in bridges else "#666666"
        ax.add_patch(FancyArrowPatch(**way, arrowstyle="-|>", color=colour, mutation_scale=11, shrinkA=1,
                                     shrinkB=1, lw=1.6, zorder=1))  # fmt: skip
    for name in dict.fromkeys(map(_name, steps)):
        first = next(step for step in steps if _name(step) == name)
        ax.text(first.left - 0.1, first.y, name, ha="right", va="center", size=12)

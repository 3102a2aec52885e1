"""The drawing of a network, made from the real one: hooks give its shapes, concatenations its bridges."""

import math

import torch
from matplotlib.patches import Rectangle
from torch.overrides import TorchFunctionMode

from ..pictures import also_range, to_uint8
from .style import COLOURS, axes


class _Joins(TorchFunctionMode):
    """Notes which tensors are concatenated, to find a network's bridges."""

    def __init__(self, note):
        super().__init__()
        self.note = note

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func in (torch.cat, torch.concat, torch.concatenate):
            self.note(args[0] if args else kwargs["tensors"], result)
        return result


def trace(model, x):
    """Run x through the model: the shapes on its way, list of (C, H, W) or (D,) with x's own first, the
    bridges as pairs of indices into it, and the output."""
    shapes, bridges, made, joined, kept = [], set(), {}, {}, []

    def place(tensor):
        shapes.append(tuple(tensor.shape[1:]))
        made[id(tensor)] = len(shapes) - 1

    def join(parts, result):
        kept.append(result)
        joined[id(result)] = {made[id(part)] for part in parts if id(part) in made}

    def hook(module, inputs, output):
        if not isinstance(output, torch.Tensor) or any(True for _ in module.children()):
            return
        kept.append(output)  # or another tensor may get its id
        sources = set().union(*(joined.get(id(i), set()) for i in inputs))
        if tuple(output.shape[1:]) != shapes[-1] or sources:
            place(output)
            bridges.update((s, len(shapes) - 1) for s in sources if s < len(shapes) - 2)
        made[id(output)] = len(shapes) - 1

    place(x)
    handles = [module.register_forward_hook(hook) for module in model.modules()]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), _Joins(join):
            output = model(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return shapes, sorted(bridges), output


def _without_reshapes(shapes, bridges):
    """Leave out vectors that merely flatten or unflatten the maps beside them."""
    flat = [math.prod(shape) for shape in shapes]
    maps = [len(shape) == 3 for shape in shapes]
    beside = [{flat[j] for j in (i - 1, i + 1) if 0 <= j < len(flat) and maps[j]} for i in range(len(flat))]
    keep = [i for i in range(len(flat)) if maps[i] or flat[i] not in beside[i]]
    bridges = [(keep.index(a), keep.index(b)) for a, b in bridges if {a, b} <= set(keep)]
    return [shapes[i] for i in keep], bridges


@also_range
def network(model, x, ax=None, *, value_range=(-1, 1)):
    """Draw the network as x (B, C, H, W) passes through it: a box per change of shape, as high as its
    resolution and as wide as its channels; lines are bridges, where an earlier result is concatenated.
    Pictures are floats in `value_range`."""
    shapes, bridges, output = trace(model, x)
    shapes, bridges = _without_reshapes(shapes, bridges)
    tallest = max((shape[1] for shape in shapes if len(shape) == 3), default=1)
    at, boxes = 0.0, []  # left edge, width, height of each box; the tallest is 1 high
    for i, shape in enumerate(shapes):
        picture = len(shape) == 3 and shape[0] in (1, 3) and i in (0, len(shapes) - 1)
        if len(shape) == 3:
            height = 0.12 + 0.88 * shape[1] / tallest
            width = height if picture else 0.1 + 0.05 * math.log2(shape[0])
        else:
            height, width = 0.1 + 0.05 * math.log2(math.prod(shape)), 0.08
        boxes.append((at, width, height, picture))
        at += max(width, 0.42) + 0.14
    top = 0.55 + 0.1 * bool(bridges)
    ax, result = axes(ax, min(11, 1.25 * at), 1.25 * (top + 1.0))
    for i, (shape, (left, width, height, picture)) in enumerate(zip(shapes, boxes, strict=True)):
        if picture:
            shown = to_uint8((x if i == 0 else output)[:1], value_range)[0]
            extent = (left, left + width, -height / 2, height / 2)
            ax.imshow(shown, extent=extent, vmin=0, vmax=255, cmap="gray")
        else:
            colour = COLOURS["real"] if len(shape) == 3 else COLOURS["fake"]
            ax.add_patch(Rectangle((left, -height / 2), width, height, color=colour, alpha=0.85, lw=0))
        channels = f"{shape[0]}" + (" channels" if i == 0 and len(shape) == 3 else "")
        # the resolution only where it changes, or neighbours' labels would overlap
        same = i > 0 and shape[1:] == shapes[i - 1][1:]
        resolution = "" if same or len(shape) != 3 else f"{shape[1]}×{shape[2]}"
        label = f"{resolution}\n{channels}" if len(shape) == 3 else f"{math.prod(shape)}"
        ax.text(left + width / 2, -height / 2 - 0.04, label, ha="center", va="top", size=12)
    for a, b in bridges:
        (xa, wa, ha, _), (xb, wb, hb, _) = boxes[a], boxes[b]
        roof = max(height for _, _, height, _ in boxes[a : b + 1]) / 2 + 0.1
        corners = (xa + wa / 2,) * 2 + (xb + wb / 2,) * 2, (ha / 2, roof, roof, hb / 2)
        ax.plot(*corners, color=COLOURS["bridge"], linewidth=1.8, zorder=1)
    ax.set(xlim=(-0.05, at), ylim=(-1, top), aspect="equal")
    ax.set_axis_off()
    return result

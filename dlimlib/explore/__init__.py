"""Widgets: sliders, ticks and text, a click on a map, a pad to draw on. They redraw a picture, and leave a
still one in the outputs."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import ipywidgets as W
import torch

from ..pictures import also_range
from .base import Explorer
from .marker import Click
from .pad import Draw, as_examples

Range = tuple[float, float]


def _control(name, spec, width):
    """A slider, a box to tick or a line of text, by what it begins with; labels are as wide as `width`."""
    common = {"description": name, "style": {"description_width": width}}
    common["layout"] = W.Layout(width=f"calc(300px + {width})")
    if isinstance(spec, bool):
        return W.Checkbox(value=spec, indent=True, **common)
    if isinstance(spec, str):
        return W.Text(value=spec, **common)
    if len(spec) not in (3, 4) or not spec[0] <= spec[2] <= spec[1] or spec[0] == spec[1]:
        raise ValueError(f"{name} must be (lowest, highest, start) or also a step, got {spec}")
    low, high, start = map(float, spec[:3])
    step = spec[3] if len(spec) == 4 else float(f"{(high - low) / 60:.1g}")
    return W.FloatSlider(value=start, min=low, max=high, step=step, **common)


class Sliders(Explorer):
    """Sliders, ticks and text beside the picture that `draw(**values)` makes of their values."""

    def __init__(self, draw, specs, *, chance, value_range, scale):
        self.draw, self.widgets = draw, {}
        labels = f"{8 * max(map(len, specs)) + 12}px"  # one width, so that the controls line up
        for name, spec in specs.items():
            self.widgets[name] = _control(name, spec, labels)
            self.widgets[name].observe(self._moved, "value")
        self.start = self.place()
        self.chance = chance
        buttons = {"Reset": ("everything to where it began", lambda _: self.go(self.start)),
                   "Random": ("a random place", lambda _: self.go(self._anywhere()))}  # fmt: skip
        super().__init__(self.widgets.values(), buttons, value_range=value_range, scale=scale)

    def _anywhere(self):
        """Return a random value for each control but a text, which stays."""
        place = self.place()
        for name, w in self.widgets.items():
            if isinstance(w, W.FloatSlider):
                place[name] = self.chance(w.min, w.max)
            elif isinstance(w, W.Checkbox):
                place[name] = self.chance(0, 1) > 0.5
        return place

    def place(self):
        """Return the controls' values by name."""
        return {name: w.value for name, w in self.widgets.items()}

    def move(self, values):
        """Set the controls."""
        for name, value in values.items():
            self.widgets[name].value = value

    def controls(self):
        """Return the controls in words, the sliders first."""
        said = {W.FloatSlider: [], W.Checkbox: [], W.Text: []}
        for name, w in self.widgets.items():
            state = f"{w.value!r}"
            if isinstance(w, W.FloatSlider):
                state = f"from {w.min:g} to {w.max:g} at {w.value:.3g}"
            elif isinstance(w, W.Checkbox):
                state = "ticked" if w.value else "not ticked"
            said[type(w)].append(f"{name} {state}")
        kinds = zip(("sliders", "boxes", "text"), said.values(), strict=True)
        return ", ".join(f"{kind} {', '.join(each)}" for kind, each in kinds if each)

    def picture(self):
        """Return what the callback makes of the controls' values."""
        return self.draw(**self.place())

    def _moved(self, change):
        if not self.quiet:
            self.redraw()


@also_range
def sliders(
    draw: Callable[..., Any],
    *,
    value_range: Range = (-1, 1),
    scale: int | None = None,
    seed: int = 0,
    **specs: Sequence[float] | bool | str,
) -> Sliders:
    """Show controls beside the picture that draw(name=value, …) returns: (C, H, W), or (N, C, H, W) side by
    side, floats in `value_range`, each pixel drawn scale × scale times; the button Random draws from `seed`.

    name=(lowest, highest, start) or (lowest, highest, start, step) is a slider, name=True or False a box to
    tick, name="text" a line to write in."""
    if not specs:
        raise ValueError("sliders needs at least one, for example sliders(draw, smile=(-1, 1, 0))")
    return Sliders(draw, specs, chance=Random(seed).uniform, value_range=value_range, scale=scale)


@also_range
def latent(
    decode: Callable[[torch.Tensor], Any],
    dims: int = 2,
    *,
    names: Sequence[str] | None = None,
    span: float = 3.0,
    start: Any = None,
    value_range: Range = (-1, 1),
    scale: int | None = None,
    seed: int = 0,
) -> Sliders:
    """Show a slider in [-span, span] for each number of a code beside the picture that decode(z (1, dims))
    returns, as in `sliders`; Random draws from N(0, 1). `start` is the code (dims,) to begin with, by default
    zeros, `names` are the sliders' names."""
    names = [str(name) for name in names or (f"z[{i}]" for i in range(dims))]
    z = torch.zeros(dims) if start is None else torch.as_tensor(start).detach().flatten().float().cpu()
    if len(names) != dims or len(z) != dims:
        raise ValueError(f"names and start must have {dims} entries, got {len(names)} and {len(z)}")

    def draw(**values):
        with torch.no_grad():
            return decode(torch.tensor([[values[name] for name in names]]))

    def chance(low, high):
        return min(max(random.gauss(0, 1), low), high)

    random = Random(seed)
    specs = {n: (-span, span, value) for n, value in zip(names, z.clamp(-span, span).tolist(), strict=True)}
    return Sliders(draw, specs, chance=chance, value_range=value_range, scale=scale)


@also_range
def click(
    picture: Any,
    draw: Callable[..., Any],
    *,
    extent: Sequence[float] | None = None,
    cells: tuple[int, int] | None = None,
    start: tuple[float, float] | None = None,
    value_range: Range = (-1, 1),
    scale: int | None = None,
) -> Click:
    """Show a map to click, drag or walk on with the arrow keys, beside what draw(x, y) returns for a place:
    (C, H, W), or (N, C, H, W) side by side, floats in `value_range`.

    picture: the map, as (C, H, W), or a figure of dl.plot, whose first axes give the extent.
    extent: the coordinates (left, right, bottom, top) of the map's edges; by default its pixels, y downward.
    cells: (columns, rows); x and y are then whole numbers, the column and the row, from the top left.
    start: (x, y) to begin with, by default the middle.
    """
    return Click(picture, draw, extent=extent, cells=cells, start=start, value_range=value_range, scale=scale)


@also_range
def draw(
    translate: Callable[[torch.Tensor], Any],
    *,
    size: int = 64,
    examples: Any = None,
    guide: Any = None,
    start: int | Sequence[dict] = 0,
    pen: float = 1.5,
    value_range: Range = (-1, 1),
    scale: int | None = None,
) -> Draw:
    """Show a pad to draw on with mouse, finger or keys, beside the picture that translate(sketch) returns for
    the drawing, a sketch (1, 1, size, size), floats in `value_range`, ink at its lower end on white.

    translate returns (C, H, W), or (N, C, H, W) side by side, each pixel drawn scale × scale times.
    examples: sketches (N, 1, size, size) that a slider chooses, and two more turn and enlarge, to draw on or
        in place of drawing; the button Upload takes a picture file.
    guide: a sketch (1, 1, size, size) that lies pale on an empty sheet, to draw by; it is not translated.
    start: the number of the example to begin with, from 1, 0 for an empty sheet, or strokes as
        `pictures.ink` takes them.
    pen: width of the line in pixels of the sketch, which a slider sets.
    """
    examples = as_examples(examples, size, value_range)
    if isinstance(start, int) and not 0 <= start <= len(examples):
        raise ValueError(f"start must be 0 or the number of one of {len(examples)} examples, got {start}")
    pale = as_examples(guide, size, value_range)[0] if guide is not None else None
    return Draw(
        translate,
        size=size,
        examples=examples,
        guide=pale,
        start=start,
        pen=pen,
        value_range=value_range,
        scale=scale,
    )

"""Widgets: sliders, or a click on a map, that redraw a picture; each leaves a still one in the outputs."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import ipywidgets as W
import numpy as np
import torch

from ..pictures import also_range
from .base import Explorer
from .marker import Click

Range = tuple[float, float]


class Sliders(Explorer):
    """Sliders beside the picture that `draw(**values)` makes of their values."""

    def __init__(self, draw, specs, *, value_range, scale, rand):
        self.draw = draw
        self.start, self.widgets = {}, {}
        labels = f"{8 * max(map(len, specs), default=0) + 12}px"  # one width, so that the sliders line up
        for name, spec in specs.items():
            if len(spec) not in (3, 4) or not spec[0] <= spec[2] <= spec[1] or spec[0] == spec[1]:
                raise ValueError(f"{name} must be (lowest, highest, start) or also a step, got {spec}")
            low, high, start = map(float, spec[:3])
            step = spec[3] if len(spec) == 4 else float(f"{(high - low) / 60:.1g}")
            self.start[name] = start
            self.widgets[name] = W.FloatSlider(
                value=start, min=low, max=high, step=step, description=name, continuous_update=True,
                readout_format=".2f", style={"description_width": labels},
                layout=W.Layout(width=f"calc(300px + {labels})"))  # fmt: skip
            self.widgets[name].observe(self._moved, "value")
        self.anywhere = lambda: {name: rand(w) for name, w in self.widgets.items()}
        super().__init__(draw(**self.start), value_range=value_range, scale=scale)
        tips = {"Reset": "all sliders to where they began", "Random": "a random place"}
        self.lay_out(self.widgets.values(), tips | {"Back": "to the place before Reset or Random"})

    def place(self):
        """The sliders' values by name."""
        return {name: w.value for name, w in self.widgets.items()}

    def move(self, values):
        """Set the sliders."""
        for name, value in values.items():
            self.widgets[name].value = value

    def controls(self):
        """The sliders in words."""
        each = (f"{n} from {w.min:g} to {w.max:g} at {w.value:.3g}" for n, w in self.widgets.items())
        return f"sliders {', '.join(each)}"

    def picture(self):
        """What the callback makes of the sliders."""
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
    **specs: Sequence[float],
) -> Sliders:
    """Sliders name=(lowest, highest, start) or (lowest, highest, start, step) beside the picture that
    draw(name=value, …) returns: (C, H, W), or (N, C, H, W) side by side, floats in `value_range`."""
    if not specs:
        raise ValueError("sliders needs at least one, for example sliders(draw, smile=(-1, 1, 0))")
    chance = Random(seed)
    return Sliders(draw, specs, value_range=value_range, scale=scale,
                   rand=lambda slider: chance.uniform(slider.min, slider.max))  # fmt: skip


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
    """A slider in [-span, span] for each number of a code; decode(z (1, dims)) returns the picture.
    `start` is the code (dims,) to begin with, by default zeros, `names` are the sliders' names; Random draws
    from N(0, 1)."""
    names = [str(name) for name in (names or [f"z[{i}]" for i in np.arange(dims)])]
    z = torch.zeros(dims) if start is None else torch.as_tensor(start).detach().flatten().float().cpu()
    if len(names) != dims or len(z) != dims:
        raise ValueError(f"names and start must have {dims} entries, got {len(names)} and {len(z)}")

    def draw(**values):
        with torch.no_grad():
            return decode(torch.tensor([[values[name] for name in names]]))

    chance = Random(seed)
    specs = {
        name: (-span, span, value) for name, value in zip(names, z.clamp(-span, span).tolist(), strict=True)
    }
    return Sliders(draw, specs, value_range=value_range, scale=scale,
                   rand=lambda slider: min(max(chance.gauss(0, 1), -span), span))  # fmt: skip


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
    """A map to click, drag or walk on with the arrow keys, beside what draw(x, y) returns for that place:
    (C, H, W), or (N, C, H, W) side by side, floats in `value_range`.

    picture: the map, as (C, H, W), as PNG bytes, or a figure of dl.plot, whose first axes give the extent.
    extent: the coordinates (left, right, bottom, top) of the map's edges; by default its pixels, y downward.
    cells: (columns, rows); x and y are then whole numbers, the column and the row, from the top left.
    start: (x, y) to begin with, by default the middle.
    """
    return Click(picture, draw, extent=extent, cells=cells, start=start, value_range=value_range, scale=scale)

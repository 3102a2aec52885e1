"""Widgets: sliders that redraw a picture; each leaves a still picture in the stored outputs."""

from base64 import b64encode
from html import escape
from io import BytesIO
from random import Random

import ipywidgets as W
import numpy as np
import torch
from PIL import Image

from .style import enlarge, to_uint8


def _png(picture, range, scale):
    """What a callback returned as PNG bytes, several pictures side by side; quick rather than small."""
    if picture is None:
        raise ValueError("it returned None; it must return a picture (C, H, W) or pictures (N, C, H, W)")
    pictures = to_uint8(picture, range)
    scale = scale or max(1, round(280 / pictures.shape[1]))
    strip = np.concatenate(list(enlarge(pictures, scale)), 1)
    strip = strip[..., 0] if strip.shape[2] == 1 else strip
    file = BytesIO()
    Image.fromarray(strip).save(file, "png", compress_level=1)
    return file.getvalue(), strip.shape[1], strip.shape[0]


class Explorer:
    """Sliders beside the picture that `draw(**values)` makes of their values."""

    def __init__(self, draw, specs, *, range, scale, rand):
        self.draw, self.range, self.scale = draw, range, scale
        self.start, self.past, self.quiet = {}, [], False
        self.widgets = {}
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
        png, width, height = _png(draw(**self.start), range, scale)
        # the picture keeps its shape however narrow the page is
        fixed = W.Layout(width=f"{width}px", height=f"{height}px", flex="0 0 auto", margin="0 0 0 24px")
        self.image = W.Image(value=png, format="png", layout=fixed)
        self.note = W.HTML()
        buttons = []
        for text, tip, action in (
            ("Reset", "all sliders to where they began", lambda _: self._go(self.start)),
            ("Random", "a random place", lambda _: self._go({n: rand(w) for n, w in self.widgets.items()})),
            ("Back", "to the place before Reset or Random", self._back),
        ):
            buttons.append(W.Button(description=text, tooltip=tip, layout=W.Layout(width="80px")))
            buttons[-1].on_click(action)
        self.buttons = dict(zip(("Reset", "Random", "Back"), buttons, strict=True))
        self.buttons["Back"].disabled = True
        controls = W.VBox([*self.widgets.values(), W.HBox(buttons), self.note])
        self.view = W.HBox([controls, self.image])
        self.view.layout.flex_flow = "row wrap"

    def _moved(self, change):
        if not self.quiet:
            self.redraw()

    def _go(self, values, remember=True):
        """Put all sliders somewhere and draw once."""
        if remember:
            self.past.append({name: w.value for name, w in self.widgets.items()})
        self.buttons["Back"].disabled = not self.past
        self.quiet = True
        for name, value in values.items():
            self.widgets[name].value = value
        self.quiet = False
        self.redraw()

    def _back(self, _):
        if self.past:
            self._go(self.past.pop(), remember=False)

    def redraw(self):
        """Draw again from the sliders; when the callback fails, say so and keep the old picture."""
        values = {name: w.value for name, w in self.widgets.items()}
        try:
            self.image.value = _png(self.draw(**values), self.range, self.scale)[0]
            self.note.value = ""
        except Exception as error:  # whatever the student's callback raises belongs in the widget
            message = escape(f"{type(error).__name__}: {error}")
            self.note.value = f"The picture is the last one that worked; drawing failed with <b>{message}</b>"

    def _ipython_display_(self):
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        text = f"sliders {', '.join(self.widgets)} beside a picture"
        still = b64encode(self.image.value).decode()
        bundle = {"application/vnd.jupyter.widget-view+json": view, "image/png": still, "text/plain": text}
        display(bundle, raw=True)


def sliders(draw, *, range=(-1, 1), scale=None, seed=0, **specs):
    """Sliders name=(lowest, highest, start) or (lowest, highest, start, step) beside the picture that
    draw(name=value, …) returns: (C, H, W), or (N, C, H, W) side by side, floats in `range`."""
    if not specs:
        raise ValueError("sliders needs at least one, for example sliders(draw, smile=(-1, 1, 0))")
    chance = Random(seed)
    return Explorer(draw, specs, range=range, scale=scale,
                    rand=lambda slider: chance.uniform(slider.min, slider.max))  # fmt: skip


def latent(decode, dims=2, *, names=None, span=3.0, start=None, range=(-1, 1), scale=None, seed=0):
    """A slider in [-span, span] for each number of a code; decode(z (1, dims)) returns the picture.
    `start` is the code to begin with (zeros), `names` are the sliders' names; Random draws from N(0, 1)."""
    names = [str(name) for name in (names or [f"z[{i}]" for i in np.arange(dims)])]
    start = torch.zeros(dims) if start is None else torch.as_tensor(start).detach().flatten().float().cpu()
    if len(names) != dims or len(start) != dims:
        raise ValueError(f"names and start must have {dims} entries, got {len(names)} and {len(start)}")
    start = start.clamp(-span, span)

    def draw(**values):
        with torch.no_grad():
            return decode(torch.tensor([[values[name] for name in names]]))

    chance = Random(seed)
    specs = {name: (-span, span, value) for name, value in zip(names, start.tolist(), strict=True)}
    return Explorer(draw, specs, range=range, scale=scale,
                    rand=lambda slider: min(max(chance.gauss(0, 1), -span), span))  # fmt: skip

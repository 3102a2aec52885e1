"""Widgets: sliders, or a click on a map, that redraw a picture; each leaves a still one in the outputs."""

from base64 import b64encode
from html import escape
from io import BytesIO
from pathlib import Path
from random import Random

import anywidget
import ipywidgets as W
import matplotlib.pyplot as plt
import numpy as np
import torch
import traitlets
from PIL import Image, ImageDraw

from ..pictures import also_range, enlarge, to_uint8
from ..plot.style import Sheet, bundle

MAP = 400  # pixels, about, that a map takes in width and height


def _png(picture, value_range, scale):
    """What a callback returned as PNG bytes, several pictures side by side; quick rather than small."""
    if picture is None:
        raise ValueError("it returned None; it must return a picture (C, H, W) or pictures (N, C, H, W)")
    pictures = to_uint8(picture, value_range)
    scale = scale or max(1, round(280 / pictures.shape[1]))
    strip = np.concatenate(list(enlarge(pictures, scale)), 1)
    strip = strip[..., 0] if strip.shape[2] == 1 else strip
    file = BytesIO()
    Image.fromarray(strip).save(file, "png", compress_level=1)
    return file.getvalue(), strip.shape[1], strip.shape[0]


class Explorer:
    """Controls beside the picture that a callback makes of their values; buttons that lead back."""

    quiet = False  # while the controls move without drawing

    def __init__(self, picture, *, value_range, scale):
        self.value_range, self.scale, self.past = value_range, scale, []
        png, width, height = _png(picture, value_range, scale)
        # the picture keeps its shape however narrow the page is
        fixed = W.Layout(width=f"{width}px", height=f"{height}px", flex="0 0 auto", margin="0 0 0 24px")
        self.image = W.Image(value=png, format="png", layout=fixed)
        self.note, self.buttons = W.HTML(), {}

    def lay_out(self, controls, tips):
        """Put controls, a button for each of the tips and the note beside the picture."""
        actions = {"Reset": lambda _: self.go(self.start), "Back": self._back}
        actions["Random"] = lambda _: self.go(self.anywhere())
        for text, tip in tips.items():
            self.buttons[text] = W.Button(description=text, tooltip=tip, layout=W.Layout(width="80px"))
            self.buttons[text].on_click(actions[text])
        self.buttons["Back"].disabled = True
        self.view = W.HBox([W.VBox([*controls, W.HBox(list(self.buttons.values())), self.note]), self.image])
        self.view.layout.flex_flow = "row wrap"

    def go(self, place):
        """Put the controls at a place, draw once, and remember where they stood."""
        self.remember(self.place())
        self.put(place)
        self.redraw()

    def put(self, place):
        """Move the controls without drawing."""
        self.quiet = True
        self.move(place)
        self.quiet = False

    def remember(self, place):
        """Let Back lead to this place."""
        self.past.append(place)
        self.buttons["Back"].disabled = False

    def _back(self, _):
        if self.past:
            self.put(self.past.pop())
            self.buttons["Back"].disabled = not self.past
            self.redraw()

    def redraw(self):
        """Draw again from the controls; when the callback fails, say so and keep the old picture."""
        try:
            self.image.value = _png(self.picture(), self.value_range, self.scale)[0]
            self.note.value = ""
        except Exception as error:  # whatever the student's callback raises belongs in the widget
            message = escape(f"{type(error).__name__}: {error}")
            self.note.value = f"The picture is the last one that worked; drawing failed with <b>{message}</b>"

    def still(self):
        """What a notebook keeps, as PNG bytes."""
        return self.image.value

    def alt(self):
        """The still's text alternative: which controls there are, and where they stand."""
        return f"Still of a widget: a picture and {self.controls()}; buttons {', '.join(self.buttons)}"

    def _ipython_display_(self):
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        data, metadata = bundle(b64encode(self.still()).decode(), self.alt())
        display({"application/vnd.jupyter.widget-view+json": view} | data, metadata=metadata, raw=True)


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
        return "sliders " + ", ".join(
            f"{n} from {w.min:g} to {w.max:g} at {w.value:.3g}" for n, w in self.widgets.items()
        )

    def picture(self):
        """What the callback makes of the sliders."""
        return self.draw(**self.place())

    def _moved(self, change):
        if not self.quiet:
            self.redraw()


class _Map(anywidget.AnyWidget):
    """The clickable picture; click.js says what its values mean."""

    _esm = Path(__file__).with_name("click.js").read_text(encoding="utf-8")
    picture = traitlets.Bytes().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    area = traitlets.List(traitlets.Float()).tag(sync=True)
    cells = traitlets.List(traitlets.Int()).tag(sync=True)
    at = traitlets.List(traitlets.Float(), minlen=3, maxlen=3).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)


class Click(Explorer):
    """A map beside the picture that `draw(x, y)` makes of the place of its marker."""

    def __init__(self, picture, draw, *, extent, cells, start, value_range, scale):
        self.draw, self.gesture = draw, 0
        png, area, own = _map(picture, value_range)
        columns, rows = self.cells = cells or (0, 0)
        if cells and extent:
            raise ValueError("cells count from 0, so leave extent out")
        self.extent = (0, columns, rows, 0) if cells else tuple(map(float, extent or own))
        left, right, bottom, top = self.extent
        if left == right or bottom == top:
            raise ValueError(f"extent must be (left, right, bottom, top), got {self.extent}")
        x, y = start or ((columns // 2, rows // 2) if cells else ((left + right) / 2, (bottom + top) / 2))
        half = 0.5 if cells else 0.0  # a cell's marker stands in its middle
        self.start = [(x + half - left) / (right - left), (y + half - top) / (bottom - top)]
        if not all(0 <= t <= 1 for t in self.start):
            raise ValueError(f"start must lie on the map, {self.extent}, got {(x, y)}")
        size = Image.open(BytesIO(png)).size
        self.map = _Map(picture=png, width=size[0], area=area, cells=list(self.cells), at=[*self.start, 0])
        super().__init__(draw(*self.xy()), value_range=value_range, scale=scale)
        self._tell()
        self.map.observe(self._moved, "at")
        self.lay_out([self.map], {"Reset": "to where it began", "Back": "to the place before"})

    def xy(self):
        """Where the marker is, in the map's coordinates, or as the column and the row of its cell."""
        x, y = (min(max(t, 0.0), 1.0) for t in self.map.at[:2])
        if self.cells[0]:
            return tuple(min(int(t * n), n - 1) for t, n in zip((x, y), self.cells, strict=True))
        left, right, bottom, top = self.extent
        return left + x * (right - left), top + y * (bottom - top)

    def place(self):
        """Where the marker is, from 0 to 1."""
        return self.map.at[:2]

    def move(self, place):
        """Set the marker."""
        self.map.at = [*place, self.gesture]
        self._tell()

    def controls(self):
        """The map in words."""
        return f"a map to click on, marked at {self.map.label}"

    def picture(self):
        """What the callback makes of the place."""
        return self.draw(*self.xy())

    def _moved(self, change):
        if self.quiet:
            return
        if change.new[2] != self.gesture:  # a click, a drag or a key: Back undoes each as a whole
            self.gesture = change.new[2]
            self.remember(change.old[:2])
        self._tell()
        self.redraw()

    def _tell(self):
        self.map.label = "x = {:{f}}, y = {:{f}}".format(*self.xy(), f="d" if self.cells[0] else ".2f")

    def still(self):
        """The map with its marker beside the picture, as PNG bytes."""
        pictures = [Image.open(BytesIO(png)).convert("RGB") for png in (self.map.picture, self.image.value)]
        (width, height), (left, top, across, down) = pictures[0].size, self.map.area
        x, y = width * (left + across * self.map.at[0]), height * (top + down * self.map.at[1])
        (columns, rows), a, b = self.cells, 8, 8
        if columns:
            a, b = max(5, width * across / columns / 2), max(5, height * down / rows / 2)
        pen = ImageDraw.Draw(pictures[0])
        shape = pen.rectangle if columns else pen.ellipse
        for grow, colour, line in ((2, "black", 7), (0, "white", 3)):
            shape((x - a - grow, y - b - grow, x + a + grow, y + b + grow), outline=colour, width=line)
        sheet = Image.new("RGB", (width + 24 + pictures[1].width, max(p.height for p in pictures)), "white")
        sheet.paste(pictures[0], (0, 0))
        sheet.paste(pictures[1], (width + 24, 0))
        file = BytesIO()
        sheet.save(file, "png", optimize=True)
        return file.getvalue()


def _map(picture, value_range):
    """A map as PNG bytes, the part of it that counts (left, top, width, height), and that part's extent."""
    if isinstance(picture, Sheet):
        png, (axes, *_) = picture.png(), picture.axes
        box = axes.get_position()
        plt.close(picture)  # or it would be shown at the end of the cell as well
        return png, [box.x0, 1 - box.y1, box.width, box.height], (*axes.get_xlim(), *axes.get_ylim())
    if isinstance(picture, bytes):
        png, (width, height) = picture, Image.open(BytesIO(picture)).size
    else:
        (pixels,) = to_uint8(picture, value_range)
        height, width = pixels.shape[:2]
        png = _png(picture, value_range, max(1, round(MAP / max(width, height))))[0]
    return png, [0.0, 0.0, 1.0, 1.0], (0, width, height, 0)


@also_range
def sliders(draw, *, value_range=(-1, 1), scale=None, seed=0, **specs):
    """Sliders name=(lowest, highest, start) or (lowest, highest, start, step) beside the picture that
    draw(name=value, …) returns: (C, H, W), or (N, C, H, W) side by side, floats in `value_range`."""
    if not specs:
        raise ValueError("sliders needs at least one, for example sliders(draw, smile=(-1, 1, 0))")
    chance = Random(seed)
    return Sliders(draw, specs, value_range=value_range, scale=scale,
                   rand=lambda slider: chance.uniform(slider.min, slider.max))  # fmt: skip


@also_range
def latent(decode, dims=2, *, names=None, span=3.0, start=None, value_range=(-1, 1), scale=None, seed=0):
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
    return Sliders(draw, specs, value_range=value_range, scale=scale,
                   rand=lambda slider: min(max(chance.gauss(0, 1), -span), span))  # fmt: skip


@also_range
def click(picture, draw, *, extent=None, cells=None, start=None, value_range=(-1, 1), scale=None):
    """A map to click, drag or walk on with the arrow keys, beside what draw(x, y) returns for that place:
    (C, H, W), or (N, C, H, W) side by side, floats in `value_range`.

    picture: the map, as (C, H, W), as PNG bytes, or a figure of dl.plot, whose first axes give the extent.
    extent: the coordinates (left, right, bottom, top) of the map's edges; by default its pixels, y downward.
    cells: (columns, rows); x and y are then whole numbers, the column and the row, from the top left.
    start: (x, y) to begin with, by default the middle.
    """
    return Click(picture, draw, extent=extent, cells=cells, start=start, value_range=value_range, scale=scale)

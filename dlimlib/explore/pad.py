"""A pad to draw on beside what a network makes of the drawing; draw.js is its part in the browser."""

from io import BytesIO
from pathlib import Path

import anywidget
import ipywidgets as W
import numpy as np
import torch
import traitlets
from PIL import Image, ImageOps

from ..pictures import ink, to_uint8
from .base import Explorer, as_png, beside, drawn

PAD = 384  # pixels, about, that a pad takes in width and height


class _Paper(anywidget.AnyWidget):
    """The paper and its pen; draw.js says what its values mean."""

    _esm = Path(__file__).with_name("draw.js").read_text(encoding="utf-8")
    strokes = traitlets.List(traitlets.Dict()).tag(sync=True)
    live = traitlets.Dict().tag(sync=True)
    heard = traitlets.Int().tag(sync=True)
    ground = traitlets.Bytes().tag(sync=True)
    guide = traitlets.Bytes().tag(sync=True)
    size = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    pen = traitlets.Float().tag(sync=True)
    erase = traitlets.Bool().tag(sync=True)


class Draw(Explorer):
    """A pad beside the picture that `translate(sketch)` makes of what stands on it."""

    back = "Undo"

    def __init__(self, translate, *, size, examples, guide, start, pen, value_range, scale):
        self.translate, self.size = translate, size
        self.grounds = [np.full((size, size), 255, np.uint8), *examples]
        self.changed = None  # the slider that moved last: Undo takes back all its moves as one
        strokes, example = (start, 0) if isinstance(start, (list, tuple)) else ([], start)
        wide = max(1, round(PAD / size))
        self.paper = _Paper(strokes=list(strokes), size=size, width=wide * size, pen=pen)
        if guide is not None:
            self.paper.guide = as_png(Image.fromarray(guide))
        label = {"style": {"description_width": "70px"}, "layout": W.Layout(width="370px")}
        self.tool = W.ToggleButtons(options=["pen", "eraser"], style={"button_width": "80px"})
        self.pen = W.FloatSlider(value=pen, min=0.5, max=8, step=0.1, description="line width", **label)
        self.pen.add_class("dlim-draw-pen")
        self.sliders = {
            "sketch": W.IntSlider(value=example, min=0, max=len(examples), description="sketch", **label),
            "turn": W.IntSlider(value=0, min=-45, max=45, description="turned by", **label),
            "zoom": W.FloatSlider(value=1, min=0.5, max=2, step=0.05, description="enlarged", **label),
        }
        self.upload = W.FileUpload(accept="image/*", description="Upload", layout=W.Layout(width="110px"))
        self.start = self.place()
        self._lay()
        self.paper.observe(self._drawing, "live")
        self.paper.observe(self._drawn, "strokes")
        self.paper.on_msg(lambda _, message, buffers: self._paper_says(message))
        self.tool.observe(self._choose_tool, "value")
        self.pen.observe(lambda change: setattr(self.paper, "pen", change.new), "value")
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._vary(name, change), "value")
        self.upload.observe(self._take, "value")
        buttons = {
            "Clear": ("an empty sheet", lambda _: self.go(([], 0, 0, 1.0))),
            "Reset": ("the sheet as it was at first", lambda _: self.go(self.start)),
            "Save": ("the picture as a file portrait.png", self._save),
        }
        controls = [self.paper, W.HBox([self.tool, self.upload]), self.pen, *self.sliders.values()]
        super().__init__(controls, buttons, value_range=value_range, scale=scale)

    def place(self):
        """Return the strokes and the values of the three sliders."""
        return (list(self.paper.strokes), *(slider.value for slider in self.sliders.values()))

    def move(self, place):
        """Set strokes and sliders."""
        strokes, *values = place
        self.changed = None
        for slider, value in zip(self.sliders.values(), values, strict=True):
            slider.value = value
        self._lay()
        self.paper.live, self.paper.strokes = {}, strokes

    def sheet(self):
        """Return what stands on the pad, uint8 (1, size, size), ink 0 on white 255."""
        live = [self.paper.live] if self.paper.live else []
        return ink([*self.paper.strokes, *live], self.size, self.ground)

    def picture(self):
        """Return what the callback makes of the drawing."""
        low, high = self.value_range
        sketch = torch.from_numpy(self.sheet()).float()[None] / 255 * (high - low) + low
        with torch.no_grad():
            return self.translate(sketch)

    def controls(self):
        """Return the pad in words."""
        strokes, sketch, *_ = self.place()
        on = f"sketch {sketch}" if sketch else "an empty sheet"
        return f"a pad to draw on, {len(strokes)} stroke{'s' * (len(strokes) != 1)} on {on}"

    def still(self):
        """Return the drawing beside the picture, as PNG bytes."""
        sheet = drawn(torch.from_numpy(self.sheet()), self.value_range, self.paper.width // self.size)[0]
        left, right = (Image.open(BytesIO(png)).convert("RGB") for png in (sheet, self.image.value))
        left = ImageOps.expand(left, 1, "#8A8A8A")
        return as_png(beside(left, right, down=max(0, left.height - right.height) // 2), optimize=True)

    def _lay(self):
        """Lay the chosen sketch, turned and enlarged, under the strokes."""
        sketch, turn, zoom = (slider.value for slider in self.sliders.values())
        picture, half = Image.fromarray(self.grounds[sketch]), self.size / 2
        if turn or zoom != 1:
            angle = np.deg2rad(turn)
            a, b = np.cos(angle) / zoom, np.sin(angle) / zoom
            matrix = (a, b, half - (a + b) * half, -b, a, half - (a - b) * half)
            picture = picture.transform(
                picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=255
            )
        for name in ("turn", "zoom"):
            self.sliders[name].disabled = sketch == 0
        self.ground = np.asarray(picture)
        self.paper.ground = as_png(picture) if sketch else b""

    def _paper_says(self, message):
        if message == "undo":
            self._back(None)
        elif "stroke" in message:
            with self.paper.hold_sync():
                self.paper.heard = message["nth"]
                self.paper.live, self.paper.strokes = {}, [*self.paper.strokes, message["stroke"]]

    def _drawing(self, change):
        if change.new and not self.quiet:
            self.redraw()

    def _drawn(self, change):
        if self.quiet:
            return
        self.past.append((list(change.old), *self.place()[1:]))
        self.changed = None
        self.redraw()

    def _vary(self, name, change):
        if self.quiet:
            return
        if self.changed != name:
            before = {key: slider.value for key, slider in self.sliders.items()} | {name: change.old}
            self.past.append((list(self.paper.strokes), *before.values()))
        self.changed = name
        self._lay()
        self.redraw()

    def _choose_tool(self, change):
        self.paper.erase = change.new == "eraser"

    def _take(self, change):
        """Lay an uploaded picture on the pad as one more sketch."""
        files = change.new.values() if isinstance(change.new, dict) else change.new  # ipywidgets 7 or 8
        for file in files:
            try:
                picture = ImageOps.exif_transpose(Image.open(BytesIO(bytes(file["content"])))).convert("RGBA")
            except OSError:  # PIL's error for what is no picture
                self.note.value = "That file is no picture that can be read: the sheet is as before."
                continue
            paper = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(paper, picture).convert("L")
            picture = ImageOps.pad(picture, (self.size, self.size), Image.Resampling.BOX, color=255)
            self.grounds.append(np.asarray(picture))
            self.sliders["sketch"].max = len(self.grounds) - 1
            self.go((self.paper.strokes, len(self.grounds) - 1, 0, 1.0))

    def _save(self, _):
        self.paper.send({"save": "portrait.png"}, [self.image.value])


def as_examples(examples, size, value_range):
    """Sketches (N, 1, size, size) as a list of uint8 (size, size); raises where their size is another."""
    if examples is None:
        return []
    pictures = to_uint8(examples, value_range)
    if pictures.shape[1:] != (size, size, 1):
        n, h, w, c = pictures.shape
        raise ValueError(f"sketches must be (N, 1, {size}, {size}), got {(n, c, h, w)}")
    return list(pictures[..., 0])

"""A map to click on beside the picture of the place; click.js is its part in the browser."""

from io import BytesIO
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from PIL import Image, ImageDraw

from ..pictures import to_uint8
from ..plot.style import Sheet, close
from .base import Explorer, as_png, beside, drawn

MAP = 400  # pixels, about, that a map takes in width and height


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
        self.draw, self.gesture, self.cells = draw, 0, cells
        png, area, own = _map(picture, value_range)
        if cells and extent:
            raise ValueError("cells count from 0, so leave extent out")
        self.extent = (0, cells[0], cells[1], 0) if cells else tuple(map(float, extent or own))
        left, right, bottom, top = self.extent
        if left == right or bottom == top:
            raise ValueError(f"extent must be (left, right, bottom, top), got {self.extent}")
        middle = (left + right) / 2, (bottom + top) / 2
        x, y = start or (map(int, middle) if cells else middle)
        half = 0.5 if cells else 0.0  # a cell's marker stands in its middle
        self.start = [(x + half - left) / (right - left), (y + half - top) / (bottom - top)]
        if not all(0 <= t <= 1 for t in self.start):
            raise ValueError(f"start must lie on the map, {self.extent}, got {(x, y)}")
        width = Image.open(BytesIO(png)).width
        self.map = _Map(picture=png, width=width, area=area, cells=cells or (0, 0), at=[*self.start, 0])
        self.map.observe(self._moved, "at")
        buttons = {"Reset": ("to where it began", lambda _: self.go(self.start))}
        super().__init__([self.map], buttons, value_range=value_range, scale=scale)

    def xy(self):
        """Return where the marker is, in the map's coordinates, or as the column and the row of its cell."""
        x, y = (min(max(t, 0.0), 1.0) for t in self.map.at[:2])
        if self.cells:
            return tuple(min(int(t * n), n - 1) for t, n in zip((x, y), self.cells, strict=True))
        left, right, bottom, top = self.extent
        return left + x * (right - left), top + y * (bottom - top)

    def place(self):
        """Return where the marker is, from 0 to 1."""
        return self.map.at[:2]

    def move(self, place):
        """Set the marker."""
        self.map.at = [*place, self.gesture]

    def controls(self):
        """Return the map in words."""
        return f"a map to click on, marked at {self.map.label}"

    def picture(self):
        """Return what the callback makes of the place, which is told below the map."""
        x, y = self.xy()
        self.map.label = f"x = {x}, y = {y}" if self.cells else f"x = {x:.2f}, y = {y:.2f}"
        return self.draw(x, y)

    def _moved(self, change):
        if self.quiet:
            return
        if change.new[2] != self.gesture:  # a click, a drag or a key: Back undoes each as a whole
            self.gesture = change.new[2]
            self.past.append(change.old[:2])
        self.redraw()

    def still(self):
        """Return the map with its marker beside the picture, as PNG bytes."""
        left, right = (Image.open(BytesIO(png)) for png in (self.map.picture, self.image.value))
        sheet = beside(left, right)
        x, y, width, height = self.map.area * np.array([left.width, left.height] * 2)
        middle = np.array([x + width * self.map.at[0], y + height * self.map.at[1]])
        half = np.maximum(5, (width, height) / np.array(self.cells) / 2) if self.cells else np.array([8, 8])
        pen = ImageDraw.Draw(sheet)
        shape = pen.rectangle if self.cells else pen.ellipse
        for grow, colour, line in ((2, "black", 7), (0, "white", 3)):
            shape((*(middle - half - grow), *(middle + half + grow)), outline=colour, width=line)
        return as_png(sheet, optimize=True)


def _map(picture, value_range):
    """Return a map as PNG bytes, its part that counts (left, top, width, height), and that part's extent."""
    if isinstance(picture, Sheet):
        png, (axes, *_) = picture.png(), picture.axes
        box = axes.get_position()
        close(picture)  # or it would be shown at the end of the cell as well
        return png, [box.x0, 1 - box.y1, box.width, box.height], (*axes.get_xlim(), *axes.get_ylim())
    _, height, width, _ = to_uint8(picture, value_range).shape
    png = drawn(picture, value_range, max(1, round(MAP / max(width, height))))[0]
    return png, [0.0, 0.0, 1.0, 1.0], (0, width, height, 0)

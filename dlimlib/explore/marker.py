"""A map to click on beside the picture of the place; click.js is its part in the browser."""

from io import BytesIO
from pathlib import Path

import anywidget
import matplotlib.pyplot as plt
import traitlets
from PIL import Image, ImageDraw

from ..pictures import to_uint8
from ..plot.style import Sheet
from .base import Explorer, drawn

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
        png = drawn(picture, value_range, max(1, round(MAP / max(width, height))))[0]
    return png, [0.0, 0.0, 1.0, 1.0], (0, width, height, 0)

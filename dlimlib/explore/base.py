"""What every widget has: a picture beside its controls, buttons that lead back, a still for the outputs."""

from base64 import b64encode
from html import escape
from io import BytesIO

import ipywidgets as W
import numpy as np
from PIL import Image

from ..pictures import enlarge, to_uint8
from ..plot.style import bundle


def as_png(image, **options):
    """Return a Pillow image as PNG bytes."""
    file = BytesIO()
    image.save(file, "png", **options)
    return file.getvalue()


def beside(left, right, *, down=0):
    """Return two Pillow images on one white sheet, the right one moved down by so many pixels."""
    sheet = Image.new("RGB", (left.width + 24 + right.width, max(left.height, right.height)), "white")
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + 24, down))
    return sheet


def drawn(picture, value_range, scale):
    """Return what a callback returned as PNG bytes, several pictures side by side, with its width and height;
    quick rather than small."""
    if picture is None:
        raise ValueError("it returned None; it must return a picture (C, H, W) or pictures (N, C, H, W)")
    pictures = to_uint8(picture, value_range)
    strip = np.concatenate(list(enlarge(pictures, scale or max(1, round(280 / pictures.shape[1])))), 1)
    image = Image.fromarray(strip[..., 0] if strip.shape[2] == 1 else strip)
    return as_png(image, compress_level=1), strip.shape[1], strip.shape[0]


class Explorer:
    """Controls beside the picture that a callback makes of their values; buttons that lead back.

    A widget has `start` and the methods place, move (its controls to a place), picture (of where they stand)
    and controls (in words).
    """

    quiet = False  # while the controls move without drawing
    back = "Back"  # the name of the button that leads to the place before

    def __init__(self, controls, buttons, *, value_range, scale):
        self.value_range, self.scale, self.past = value_range, scale, []
        png, width, height = drawn(self.picture(), value_range, scale)
        # the picture keeps its shape however narrow the page is
        fixed = W.Layout(width=f"{width}px", height=f"{height}px", flex="0 0 auto", margin="0 0 0 24px")
        self.image, self.note = W.Image(value=png, format="png", layout=fixed), W.HTML()
        self.buttons = {}
        for text, (tip, action) in (buttons | {self.back: ("to the place before", self._back)}).items():
            self.buttons[text] = W.Button(description=text, tooltip=tip, layout=W.Layout(width="80px"))
            self.buttons[text].on_click(action)
        self.buttons[self.back].disabled = True
        self.view = W.HBox([W.VBox([*controls, W.HBox(list(self.buttons.values())), self.note]), self.image])
        self.view.layout.flex_flow = "row wrap"

    def go(self, place):
        """Move the controls to a place, draw once, and remember where they stood."""
        self.past.append(self.place())
        self._jump(place)

    def _back(self, _):
        if self.past:
            self._jump(self.past.pop())

    def _jump(self, place):
        self.quiet = True
        self.move(place)
        self.quiet = False
        self.redraw()

    def redraw(self):
        """Draw again from the controls; when the callback fails, say so and keep the old picture."""
        self.buttons[self.back].disabled = not self.past
        try:
            self.image.value = drawn(self.picture(), self.value_range, self.scale)[0]
            self.note.value = ""
        except Exception as error:  # whatever the student's callback raises belongs in the widget
            message = escape(f"{type(error).__name__}: {error}")
            self.note.value = f"The picture is the last one that worked; drawing failed with <b>{message}</b>"

    def still(self):
        """Return what a notebook keeps, as PNG bytes."""
        return self.image.value

    def alt(self):
        """Return the still's text alternative: which controls there are, and where they stand."""
        return f"Still of a widget: a picture and {self.controls()}; buttons {', '.join(self.buttons)}"

    def _ipython_display_(self):
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        data, metadata = bundle(b64encode(self.still()).decode(), self.alt())
        display({"application/vnd.jupyter.widget-view+json": view} | data, metadata=metadata, raw=True)

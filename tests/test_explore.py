"""Sliders and maps: redraw, buttons, a failing callback, and what is stored in a notebook."""

import io
from base64 import b64decode

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib import explore, plot


def pixel(widget):
    return np.asarray(Image.open(io.BytesIO(widget.image.value)))[0, 0]


def shade(light, tint=0.0):
    return torch.tensor([light, light, tint]).view(3, 1, 1).expand(3, 4, 4)


def test_sliders_redraw_with_their_values():
    w = explore.sliders(shade, light=(-1, 1, 0), tint=(-1, 1, 1), scale=2)
    assert Image.open(io.BytesIO(w.image.value)).size == (8, 8)
    assert pixel(w).tolist() == [128, 128, 255]
    w.widgets["light"].value = 1.0
    assert pixel(w).tolist() == [255, 255, 255]
    assert w.widgets["light"].continuous_update and abs(w.widgets["light"].step - 2 / 60) < 0.01


def test_reset_random_and_back():
    w = explore.sliders(shade, light=(-1, 1, 0.5), tint=(-1, 1, -1))
    draws = []
    w.draw = lambda **values: draws.append(values) or shade(**values)
    w.widgets["light"].value = -0.25
    assert w.buttons["Back"].disabled
    w.buttons["Random"].click()
    assert w.widgets["light"].value != -0.25 and len(draws) == 2, "all sliders move, but it is drawn once"
    w.buttons["Reset"].click()
    assert [s.value for s in w.widgets.values()] == [0.5, -1]
    w.buttons["Back"].click()
    w.buttons["Back"].click()
    assert w.widgets["light"].value == -0.25 and w.buttons["Back"].disabled


def test_ticks_and_text_are_controls_as_well():
    draws = []

    def draw(number, glasses, light):
        draws.append((number, glasses, light))
        return shade(light if glasses else -1.0)

    w = explore.sliders(draw, number="2026", glasses=True, light=(-1, 1, 1))
    assert pixel(w)[0] == 255 and draws == [("2026", True, 1.0)]
    w.widgets["glasses"].value = False
    w.widgets["number"].value = "7"
    assert pixel(w)[0] == 0 and draws[-1] == ("7", False, 1.0)
    assert "sliders light from -1 to 1 at 1, boxes glasses not ticked, text number '7'" in w.alt()
    ticked = set()
    for _ in range(20):
        w.buttons["Random"].click()
        ticked.add(w.widgets["glasses"].value)
    assert ticked == {True, False} and w.widgets["number"].value == "7", "a text stays as it was written"
    w.buttons["Reset"].click()
    assert w.place() == {"number": "2026", "glasses": True, "light": 1.0}


def test_a_failing_callback_is_told_and_the_picture_stays():
    def draw(light):
        if light > 0.5:
            raise ValueError("light <must> stay below 0.5")
        return shade(light) if light > -0.5 else None

    w = explore.sliders(draw, light=(-1, 1, 0))
    before = w.image.value
    w.widgets["light"].value = 0.9
    assert w.image.value == before and "light &lt;must&gt; stay below 0.5" in w.note.value
    w.widgets["light"].value = -0.9
    assert w.image.value == before and "returned None" in w.note.value
    w.widgets["light"].value = 0.2
    assert w.image.value != before and w.note.value == ""


def test_wrong_arguments():
    with pytest.raises(ValueError, match="at least one"):
        explore.sliders(shade)
    with pytest.raises(ValueError, match="light must be"):
        explore.sliders(shade, light=(0, 1, 2))
    with pytest.raises(ValueError, match="3 entries, got 2"):
        explore.latent(lambda z: z, dims=3, names=["a", "b"])


def test_latent_passes_the_code_without_gradients():
    layer, codes = torch.nn.Linear(3, 16), []

    def decode(z):
        codes.append(z)
        out = layer(z).view(1, 1, 4, 4)
        assert not out.requires_grad
        return out

    w = explore.latent(decode, dims=3, names=["age", "smile", "age 2"], start=[0.5, 9.0, 0.0], span=2)
    assert torch.allclose(codes[-1], torch.tensor([[0.5, 2.0, 0.0]]))
    w.widgets["age 2"].value = -1.5
    assert torch.allclose(codes[-1], torch.tensor([[0.5, 2.0, -1.5]]))
    w.buttons["Random"].click()
    assert codes[-1].abs().max() <= 2


def test_several_pictures_stand_side_by_side():
    w = explore.sliders(lambda t: torch.stack([shade(t), shade(-t)]), t=(-1, 1, 1), scale=1)
    strip = np.asarray(Image.open(io.BytesIO(w.image.value)))
    assert strip.shape == (4, 8, 3) and strip[0, 0, 0] == 255 and strip[0, 7, 0] == 0


def test_one_bundle_holds_the_widget_and_a_still_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata, raw: shown.append(data | {"alt": metadata["image/png"]["alt"]}),
    )
    w = explore.sliders(shade, light=(-1, 1, 0))
    w._ipython_display_()
    (bundle,) = shown
    assert b64decode(bundle["image/png"]) == bytes(w.image.value)
    assert bundle["alt"] == bundle["text/plain"]
    said = "Still of a widget: a picture and sliders light from -1 to 1 at 0; buttons Reset, Random, Back"
    assert bundle["alt"] == said
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == w.view.model_id


# ------------------------------------------------------------------------------------------------ maps


def click(w, x, y, gesture=1):
    """What arrives from the browser when the map is clicked: fractions from the left and from the top."""
    w.map.set_state({"at": [x, y, gesture]})


def seen(places):
    """A callback that notes where it was called."""
    return lambda x, y: places.append((x, y)) or torch.full((1, 4, 4), float(x) / 10)


def test_a_click_reports_the_maps_coordinates():
    places = []
    w = explore.click(torch.zeros(1, 8, 8), seen(places), extent=(-3, 3, -2, 2), start=(1.5, 1))
    assert places == [(1.5, 1.0)] and w.map.at[:2] == [0.75, 0.25]
    before = w.image.value
    click(w, 0.0, 0.0)
    click(w, 1.0, 0.75)
    assert places[1:] == [(-3.0, 2.0), (3.0, -1.0)] and w.map.label == "x = 3.00, y = -1.00"
    assert w.image.value != before
    click(w, -0.1, 7)
    assert places[-1] == (-3.0, -2.0), "what lies outside is moved to the edge"


def test_pixels_are_the_coordinates_of_a_picture():
    places = []
    click(explore.click(torch.zeros(3, 20, 40), seen(places)), 0.25, 0.9)
    assert places == [(20.0, 10.0), (10.0, 18.0)]


def test_cells_are_whole_numbers():
    places = []
    w = explore.click(torch.zeros(1, 8, 8), seen(places), cells=(32, 16), start=(3, 0))
    for x, y in ((0.0, 0.0), (0.999, 0.5), (1.0, 1.0)):
        click(w, x, y)
    assert places == [(3, 0), (0, 0), (31, 8), (31, 15)] and all(type(n) is int for p in places for n in p)
    assert w.map.label == "x = 31, y = 15"


def test_the_axes_of_a_figure_give_the_coordinates(monkeypatch):
    sheet, places = plot.figure(4, 3), []
    ax = sheet.add_subplot()
    ax.plot([0, 10], [100, 200])
    ax.set(xlim=(0, 10), ylim=(100, 200))
    w = explore.click(sheet, seen(places))
    assert places == [(5.0, 150.0)]
    left, top, width, height = w.map.area
    assert 0 < left < 0.3 and 0 <= top < 0.1 and 0.6 < width < 1 and 0.6 < height < 1
    click(w, 0.1, 0.2)
    assert places[-1] == pytest.approx((1.0, 180.0))
    assert not plt.get_fignums(), "the figure must not be shown a second time"


def test_back_undoes_a_whole_drag():
    w = explore.click(torch.zeros(1, 8, 8), seen([]), extent=(0, 1, 1, 0))
    assert w.buttons["Back"].disabled
    click(w, 0.25, 0.5, gesture=1)
    for x in (0.5, 0.75, 1.0):
        click(w, x, 1.0, gesture=2)
    w.buttons["Reset"].click()
    assert w.xy() == (0.5, 0.5)
    shown = []
    for _ in range(3):
        w.buttons["Back"].click()
        shown.append((w.xy(), w.map.label))
    assert [xy for xy, _ in shown] == [(1.0, 1.0), (0.25, 0.5), (0.5, 0.5)] and w.buttons["Back"].disabled
    assert shown[1][1] == "x = 0.25, y = 0.50"


def test_a_failing_map_keeps_its_picture():
    def draw(x, y):
        if x > 0.9:
            raise ValueError("off the map")
        return torch.full((1, 4, 4), x)

    w = explore.click(torch.zeros(1, 8, 8), draw, extent=(0, 1, 0, 1))
    before = w.image.value
    click(w, 1.0, 0.5)
    assert w.image.value == before and "ValueError: off the map" in w.note.value
    click(w, 0.1, 0.5)
    assert w.image.value != before and w.note.value == ""


def test_maps_refuse_wrong_arguments():
    dot, draw = torch.zeros(1, 8, 8), seen([])
    with pytest.raises(ValueError, match="leave extent out"):
        explore.click(dot, draw, extent=(0, 1, 0, 1), cells=(2, 2))
    with pytest.raises(ValueError, match="extent must be"):
        explore.click(dot, draw, extent=(0, 0, 0, 1))
    with pytest.raises(ValueError, match="start must lie on the map"):
        explore.click(dot, draw, extent=(0, 1, 0, 1), start=(2, 0))


def test_the_still_picture_shows_the_marker_beside_the_result(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata, raw: shown.append(data | {"alt": metadata["image/png"]["alt"]}),
    )
    red = torch.tensor([1.0, -1, -1]).view(3, 1, 1).expand(3, 4, 4)
    for cells, start in ((None, (1, 7)), ((8, 8), (1, 7))):
        w = explore.click(-torch.ones(3, 8, 8), lambda x, y: red, cells=cells, start=start)
        w._ipython_display_()
        marked = "x = 1, y = 7" if cells else "x = 1.00, y = 7.00"
        assert f"a map to click on, marked at {marked}; buttons Reset, Back" in shown[-1]["alt"]
        (still,) = (np.asarray(Image.open(io.BytesIO(b64decode(b["image/png"])))) for b in shown[-1:])
        map_, result = still[:400, :400], still[:280, 424:]
        white = np.argwhere((map_ == 255).all(2))
        middle = (white.max(0) + white.min(0)) / 2 / 50
        assert abs(middle - ([7.5, 1.5] if cells else [7, 1])).max() < 0.05, middle
        assert (result == [255, 0, 0]).all() and result.shape == (280, 280, 3)
        assert shown[-1]["application/vnd.jupyter.widget-view+json"]["model_id"] == w.view.model_id

"""Sliders and maps: redraw, buttons, a failing callback, and what is stored in a notebook."""

import io
from base64 import b64decode
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib import explore, pictures, plot


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


LINE = {"pen": 2.0, "points": [[0.25, 0.5], [0.75, 0.5]]}
GUM = {"pen": 4.0, "points": [[0.5, 0.5]], "erase": True}


def pad(**options):
    """A pad of 16 pixels that shows the sketch itself, and what it was given."""
    given = []
    w = explore.draw(lambda x: given.append(x) or x, size=16, **options)
    return w, given


def test_ink_draws_strokes_and_rubs_out():
    sheet = pictures.ink([LINE], 16)
    assert sheet.shape == (1, 16, 16) and sheet.dtype == np.uint8
    assert (sheet[0, 7:9, 5:11] == 0).all() and (sheet[0, :6] == 255).all() and (sheet[0, :, :2] == 255).all()
    rubbed = pictures.ink([LINE, GUM], 16)
    assert (rubbed[0, 7:9, 7:9] == 255).all() and (rubbed[0, 7:9, 4] == sheet[0, 7:9, 4]).all()
    dot = pictures.ink([{"pen": 3.0, "points": [[0.5, 0.5]]}], 16)
    assert dot[0, 7, 7] == 0 and (dot < 255).sum() <= 16, "a click leaves a dot"
    ground = np.full((16, 16), 100, np.uint8)
    assert pictures.ink([GUM], 16, ground)[0, 0, 0] == 100 and pictures.ink([GUM], 16, ground)[0, 7, 7] == 255
    fine, coarse = (pictures.ink([LINE], size) for size in (64, 32))
    assert (fine < 128).mean() == pytest.approx((coarse < 128).mean() / 2, rel=0.15), "the pen is in pixels"
    for points in ([], [[0.5]], [[0.5, float("nan")]]):
        with pytest.raises(ValueError, match="a stroke needs points"):
            pictures.ink([{"pen": 1.0, "points": points}], 16)


def test_a_pad_translates_what_is_drawn_meanwhile_and_at_the_end():
    w, given = pad(scale=2)
    assert given[-1].shape == (1, 1, 16, 16) and (given[-1] == 1).all(), "an empty sheet is white"
    w.paper.live = LINE
    assert given[-1].min() == -1 and len(given) == 2 and not w.past, "a line appears while it is drawn"
    w._paper_says({"stroke": LINE, "nth": 1})
    assert w.paper.strokes == [LINE] and w.paper.live == {} and w.paper.heard == 1
    assert len(given) == 3 and torch.equal(given[-1], given[-2]), "drawn once at its end"
    assert np.asarray(Image.open(io.BytesIO(w.image.value)))[16, 16] == 0
    w, given = pad(value_range=(0, 1), start=[LINE])
    assert given[-1].min() == 0 and given[-1].max() == 1 and "a pad to draw on, 1 stroke" in w.controls()


def test_a_pad_takes_back_every_step():
    w, given = pad(examples=1 - 2 * torch.eye(16).expand(3, 1, 16, 16), start=2)
    first = given[-1]
    assert first[0, 0].diagonal().eq(-1).all()
    w.paper.strokes = [LINE]
    w.paper.strokes = [LINE, GUM]
    for value in (3, 6, 9):
        w.sliders["turn"].value = value
    w.buttons["Clear"].click()
    assert (given[-1] == 1).all() and w.paper.ground == b"", "Clear leaves an empty sheet"
    states = []
    while not w.buttons["Undo"].disabled:
        w.buttons["Undo"].click()
        states.append((len(w.paper.strokes), w.sliders["turn"].value, w.sliders["sketch"].value))
    assert states == [(2, 9, 2), (2, 0, 2), (1, 0, 2), (0, 0, 2)], "the three moves of a slider are one step"
    assert torch.equal(given[-1], first)
    w.paper.strokes = [LINE]
    w._paper_says("undo")
    assert not w.paper.strokes, "Ctrl+Z asks for the same"
    w.paper.strokes = [LINE]
    w.buttons["Reset"].click()
    assert torch.equal(given[-1], first)


def test_a_pad_turns_and_enlarges_its_sketch_about_the_middle():
    sketch = torch.ones(1, 1, 16, 16)
    sketch[..., 6:10, 12:14] = -1  # to the right of the middle
    w, given = pad(examples=sketch, start=1)

    def weight(x):
        return (1 - x[0, 0]) / 2

    w.sliders["turn"].value = 45
    turned = weight(given[-1])
    rows, columns = (turned.sum(d) @ torch.arange(16.0) / turned.sum() for d in (1, 0))
    assert rows > 9 and columns > 9, "turned clockwise, it stands below the middle"
    w.sliders["turn"].value, w.sliders["zoom"].value = 0, 0.5
    assert weight(given[-1]).sum() == pytest.approx(2, rel=0.3) and given[-1][0, 0, 0, 0] == 1


def test_a_pad_takes_pen_eraser_and_pictures_of_one_s_own():
    w, given = pad(pen=2.5)
    assert w.paper.pen == 2.5
    w.pen.value, w.tool.value = 4, "eraser"
    assert w.paper.pen == 4 and w.paper.erase
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "black").save(file, "png")
    mine = {"name": "a.png", "content": memoryview(file.getvalue())}
    broken = {"name": "b.png", "content": memoryview(b"no picture")}
    w._take(SimpleNamespace(new=(mine,)))  # as ipywidgets 8 gives it
    seen = given[-1][0, 0]
    assert (seen[5:11] == -1).all() and (seen[:3] == 1).all(), "it keeps its shape, on white"
    w._take(SimpleNamespace(new={"a.png": mine}))  # and ipywidgets 7
    assert w.sliders["sketch"].max == w.sliders["sketch"].value == 2
    w._take(SimpleNamespace(new=(broken,)))
    assert "no picture" in w.note.value and torch.equal(given[-1][0, 0], seen), "nothing is lost"


def test_a_guide_is_shown_and_not_translated():
    w, given = pad(guide=1 - 2 * torch.eye(16)[None, None])
    shown = np.asarray(Image.open(io.BytesIO(w.paper.guide)))
    assert (shown.diagonal() == 0).all() and (given[-1] == 1).all() and w.paper.ground == b""
    with pytest.raises(ValueError, match="sketches must be"):
        pad(guide=torch.ones(1, 1, 8, 8))


def test_a_pad_saves_its_picture_and_leaves_a_still():
    w, _ = pad(start=[LINE], scale=3)
    sent = []
    w.paper.send = lambda message, buffers: sent.append((message, *buffers))
    w.buttons["Save"].click()
    assert sent == [({"save": "portrait.png"}, w.image.value)]
    still = np.asarray(Image.open(io.BytesIO(w.still())))
    assert still.shape[1] == 386 + 24 + 48 and (still[193, 120:260] == 0).all(), "drawing and picture"
    assert "1 stroke on an empty sheet" in w.alt()


def test_a_pad_says_what_it_needs():
    with pytest.raises(ValueError, match=r"sketches must be \(N, 1, 16, 16\), got \(2, 1, 8, 8\)"):
        pad(examples=torch.ones(2, 1, 8, 8))
    with pytest.raises(ValueError, match="one of 2 examples, got 3"):
        pad(examples=torch.ones(2, 1, 16, 16), start=3)

    def fail(x):
        if x.min() < 0:
            raise RuntimeError("no network")
        return x

    w = explore.draw(fail, size=16)
    before = w.image.value
    w.paper.strokes = [LINE]
    assert "no network" in w.note.value and w.image.value == before and w.paper.strokes == [LINE]

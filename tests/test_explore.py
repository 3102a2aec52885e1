"""Sliders: redraw, buttons, a failing callback, and what is stored in a notebook."""

import io
from base64 import b64decode

import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib import explore


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
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    w = explore.sliders(shade, light=(-1, 1, 0))
    w._ipython_display_()
    (bundle,) = shown
    assert b64decode(bundle["image/png"]) == bytes(w.image.value) and bundle["text/plain"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == w.view.model_id

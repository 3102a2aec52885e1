"""How soon after a stroke's end the pad shows what a network makes of it, in JupyterLab in a real browser."""

import statistics
import tempfile
from pathlib import Path

import nbformat

from tests.browser.conftest import chrome, chromium, jupyterlab, save_notebook
from tests.browser.test_notebooks_in_lab import run_all

SOURCE = """
import torch
from dlimlib import explore, models
net = models.UNet(9, 3, (16, 32, 64, 96, 128)).eval()  # as large as notebook 07's
explore.draw(lambda x: net(x.expand(-1, 9, -1, -1)).tanh())
"""
# from the end of a stroke to the load of the next picture that differs
WAIT = """
() => new Promise(done => {
  const pad = document.querySelector(".dlim-draw");
  pad.addEventListener("pointerup", () => {
    const begun = performance.now(), image = pad.closest(".widget-hbox").parentElement.querySelector("img");
    const before = image.src;
    const look = () => image.src !== before && image.complete && image.naturalWidth
      ? done(performance.now() - begun) : setTimeout(look, 1);
    look();
  }, { once: true });
})
"""


def rows():
    """The median of twenty strokes in milliseconds, against the bar of 150."""
    with tempfile.TemporaryDirectory() as folder, chrome(chromium()) as context:
        root, scratch = Path(folder, "lab"), Path(folder, "jupyter")
        root.mkdir(), scratch.mkdir()
        save_notebook(root / "pad.ipynb", [nbformat.v4.new_code_cell(SOURCE)])
        with jupyterlab(root, scratch) as address:
            page = context.new_page()
            run_all(page, address, "pad.ipynb")
            times = measured(page)
    return [("stroke on the pad to portrait, ms", statistics.median(times), 150.0, "<= 1")]


def measured(page):
    """Milliseconds of twenty short strokes on the pad of the only cell."""
    page.wait_for_selector(".dlim-draw")
    box, times = page.locator(".dlim-draw").bounding_box(), []
    for k in range(20):
        x, y = box["x"] + 20 + 15 * k, box["y"] + 60
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 10, y + 200, steps=8)
        page.wait_for_timeout(400)  # the hand rests: what was drawn on the way has been shown
        page.evaluate(f"() => {{ window.shown = ({WAIT})(); }}")
        page.mouse.move(x + 30, y + 260)
        page.mouse.up()
        times.append(page.evaluate("() => window.shown"))
    return times

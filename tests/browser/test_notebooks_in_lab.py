"""Each notebook in JupyterLab in a real browser: run all cells, move every slider and map by keyboard."""

import base64
import platform
import re
import shutil
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
import torch

from dlimlib import plot
from tests.browser.conftest import save_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden) "
TINY = (
    "import torch; from dlimlib import explore\n"
    "def draw(light, tint): return torch.tensor([light, light, tint]).view(3, 1, 1).expand(3, 8, 8)",
    "explore.sliders(draw, light=(-1, 1, 0), tint=(0, 1, 0.5))",
    "explore.latent(lambda z: (z[:, :, None, None] * torch.ones(1, 3, 8, 8)), dims=3)",
    "explore.click(torch.zeros(1, 8, 8), draw, extent=(-1, 1, -1, 1))",
    "import dlimlib.plot as plot; plot.images(torch.zeros(4, 1, 8, 8), 'four')",
)
# a signature of every picture that belongs to a widget, in the order of the page
PICTURES = (
    "() => [...document.querySelectorAll('" + PANEL + ".jp-OutputArea img.widget-image, "
    + PANEL + ".jp-OutputArea .widget-image img')].map(i => i.src + i.complete + i.naturalWidth).join('|')"
)  # fmt: skip
BROKEN = (
    "() => [...document.querySelectorAll('" + PANEL + "img')].filter(i => i.complete && !i.naturalWidth)"
    ".map(i => i.src.slice(0, 80))"
)  # fmt: skip
IDLE = "() => [...document.querySelectorAll('.jp-StatusBar-TextItem')].some(e => / Idle/.test(e.textContent))"
SLIDER = ".widget-slider:not(.dlim-draw-pen) .noUi-target:not([disabled]) .noUi-handle"
# no cell waits any more: it has a number, or an earlier one failed and it was given up
DONE = (
    "() => { const p = [...document.querySelectorAll('" + PANEL + ".jp-CodeCell .jp-InputPrompt')]"
    ".map(e => e.textContent); return p.some(t => /\\d/.test(t)) && !p.some(t => t.includes('*')); }"
)  # fmt: skip


@pytest.fixture
def page(browser, request):
    """A page that notes errors of page and console; a failed test leaves a screenshot."""
    page = browser.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda m: note(page.errors, m))
    failures = request.session.testsfailed
    yield page
    if request.session.testsfailed > failures:
        shot = Path(tempfile.gettempdir()) / f"dlim-{request.node.name}.png"
        page.screenshot(path=str(shot))
        print(f"screenshot: {shot}")
    page.close()


def note(errors, message):
    """Keep a console error; but JupyterLab asks for attached pictures before it has put them in."""
    address = (message.location or {}).get("url", "")
    if message.type == "error" and not address.startswith("attachment:"):
        errors.append(f"{message.text} {address}")


def run_all(page, address, name):
    """Open a notebook on its own, run all cells, wait until the kernel rests."""
    page.goto(f"{address}/doc/workspaces/auto-{Path(name).stem.replace('_', '')}/tree/{name}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
    page.wait_for_function(IDLE, timeout=120_000)
    page.keyboard.press("Escape")
    page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    page.locator('[data-command="runmenu:run-all"]').click()
    page.wait_for_timeout(1500)
    page.wait_for_function(DONE, timeout=300_000)
    page.wait_for_function(IDLE, timeout=60_000)


def move_sliders(page):
    """Move each slider and map by keyboard; return the labels of those that did not change a picture."""
    sliders, stuck = page.locator(f"{PANEL}{SLIDER}, {PANEL}.dlim-click"), []
    for i in range(sliders.count()):
        handle = sliders.nth(i)
        handle.scroll_into_view_if_needed()
        before = page.evaluate(PICTURES)
        handle.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        try:
            page.wait_for_function(f"before => ({PICTURES})() !== before", arg=before, timeout=10_000)
        except Exception:
            stuck.append(handle.evaluate("e => (e.closest('.widget-slider') ?? e.parentElement).innerText"))
    return sliders.count(), stuck


def click_and_go_back(page):
    """Click near a corner of the only map, then press its Back button: the place is told below the map."""
    box = page.locator(PANEL + ".dlim-click")

    def wait_for(place):
        told = f"text => document.querySelector('{PANEL}.dlim-click-place').innerText == text"
        page.wait_for_function(told, arg=place, timeout=10_000)

    wait_for("x = 0.12, y = 0.00")  # three steps to the right of the middle
    size = box.bounding_box()
    box.click(position={"x": 0.9 * size["width"], "y": 0.1 * size["height"]})
    wait_for("x = 0.80, y = 0.80")
    page.locator(f"{PANEL}.widget-hbox:has(.dlim-click) button:has-text('Back')").last.click()
    wait_for("x = 0.12, y = 0.00")


def check(page, lab, source, sliders=None):
    address, root = lab
    shutil.copy(source, root)
    run_all(page, address, Path(source).name)
    failed = page.locator(PANEL + '[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
    assert not failed, failed[0]
    count, stuck = move_sliders(page)
    assert not stuck, f"these sliders or maps changed no picture: {stuck}"
    assert sliders is None or count == sliders
    assert page.locator(PANEL + ".widget-html:has-text('drawing failed')").count() == 0
    broken = page.evaluate(BROKEN)
    assert not broken, f"these pictures could not be shown: {broken}"
    assert not page.errors, page.errors


@pytest.mark.browser
def test_widgets(page, lab, tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in TINY]
    dot = base64.b64encode(plot.images(torch.zeros(1, 3, 8, 8)).png()).decode()
    attached = {"cover": {"image/png": dot}}
    cells.insert(0, nbformat.v4.new_markdown_cell("![a dot](attachment:cover)", attachments=attached))
    save_notebook(tmp_path / "tiny.ipynb", cells)
    check(page, lab, tmp_path / "tiny.ipynb", sliders=6)
    click_and_go_back(page)


def told(page, text):
    """Wait until the line below the pad says so."""
    page.wait_for_function(f"text => document.querySelector('{PANEL}.dlim-draw-told').innerText == text",
                           arg=text, timeout=10_000)  # fmt: skip


def redrawn(page, before):
    """Wait until a widget's picture is another one, and return what it is now."""
    page.wait_for_function(f"before => ({PICTURES})() !== before", arg=before, timeout=10_000)
    return page.evaluate(PICTURES)


@pytest.mark.browser
def test_a_pad_is_drawn_on_by_mouse_by_touch_and_by_keys(page, lab, tmp_path):
    source = (
        "import time, torch; from dlimlib import explore\n"
        "cross = torch.stack([torch.eye(16), torch.eye(16).flip(0)])[:, None]\n"
        "explore.draw(lambda x: time.sleep(0.2) or x, size=16, examples=1 - 2 * cross, start=1)"
    )
    save_notebook(tmp_path / "pad.ipynb", [nbformat.v4.new_code_cell(source)])
    check(page, lab, tmp_path / "pad.ipynb", sliders=3)
    pad = page.locator(PANEL + ".dlim-draw")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    place = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])  # noqa: E731
    press = lambda name: page.locator(f"{PANEL}button:has-text('{name}')").last.click()  # noqa: E731

    shown = page.evaluate(PICTURES)
    page.mouse.move(*place(0.1, 0.8))
    page.mouse.down()
    page.mouse.move(*place(0.6, 0.8), steps=5)
    shown = redrawn(page, shown)  # while the button is down
    page.mouse.up()
    told(page, "1 stroke")

    touch = page.context.new_cdp_session(page)
    for kind, point in (("Start", (0.2, 0.2)), ("Move", (0.4, 0.3)), ("Move", (0.8, 0.3)), ("End", None)):
        x, y = place(*point) if point else (0, 0)
        points = [{"x": x, "y": y}] if point else []
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    told(page, "2 strokes")
    shown = redrawn(page, shown)

    pad.focus()
    for key in (" ", *["Shift+ArrowLeft"] * 3, "ArrowDown"):
        page.keyboard.press(key)
    told(page, "2 strokes, pen down at 0.00, 0.56")
    page.keyboard.press(" ")
    told(page, "3 strokes")
    page.keyboard.press("Control+z")  # while the kernel still draws
    told(page, "2 strokes")
    shown = redrawn(page, shown)

    press("eraser")
    page.mouse.click(*place(0.5, 0.5))
    told(page, "3 strokes")
    redrawn(page, shown)
    with page.expect_download() as download:
        press("Save")
    saved = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename == "portrait.png" and saved.startswith(b"\x89PNG")
    press("Clear")
    told(page, "0 strokes")
    press("Undo")
    told(page, "3 strokes")
    assert not page.errors, page.errors


@pytest.mark.browser
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(page, lab, notebook):
    check(page, lab, notebook)


@pytest.mark.browser
def test_saving_leaves_a_stored_notebook_as_it_is(page, lab):
    address, root = lab
    source = next(path for path in NOTEBOOKS if path.stem.startswith("02"))
    target, text = root / "saved.ipynb", source.read_text(encoding="utf-8")
    # JupyterLab writes the version of the running kernel
    text = re.sub(r'"version": "3[\d.]+"', f'"version": "{platform.python_version()}"', text)
    target.write_text(text, encoding="utf-8", newline="\n")
    page.goto(f"{address}/doc/workspaces/auto-saved/tree/saved.ipynb?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
    page.wait_for_function(IDLE, timeout=120_000)
    before = target.stat().st_mtime_ns
    page.locator(PANEL + 'jp-button[data-command="docmanager:save"]').click()
    end = time.monotonic() + 30
    done = lambda: target.stat().st_mtime_ns != before and target.read_bytes().endswith(b"}\n")  # noqa: E731
    while not done() and time.monotonic() < end:  # for a moment the file is empty
        page.wait_for_timeout(100)
    assert done(), "it was not saved"
    assert target.read_text(encoding="utf-8") == text

"""`python -m dlimlib run`: a small course of one notebook is executed, recorded, cut off, refreshed."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

import dlimlib
from dlimlib.course import notebook as nbs
from dlimlib.course import record

pytestmark = pytest.mark.slow
CELLS = [
    ("title", "# Small\n![a picture](attachment:cover)\n"
     "The error is <!--r:mse-->9.999<!--/r-->, that is <!--r:share/half%-->0<!--/r--> %."),
    ("bootstrap", "import dlimlib"),
    ("setup", """
import base64, os, sys, time
from io import BytesIO
import numpy as np
import torch
from PIL import Image
from torch import nn
import dlimlib as dl
import dlimlib.training
dlimlib.training.SAVE_SECONDS = 0
SEED = 3
PRETRAINED = True
dl.seed(SEED)"""),
    ("train", """
class Batches:
    i = 0
    def __iter__(self):
        while True:
            self.i += 1
            yield torch.full((1, 1), float(self.i))
    def state_dict(self): return {"i": self.i}
    def load_state_dict(self, state): self.i = state["i"]

net, trained = nn.Linear(1, 1), 0
run = dl.Run("small", Batches(), steps=40, net=net)
for x in run:
    net.weight.data += x / 1000  # no optimizer, so that the weight is known: 0.82 and its beginning
    trained += 1
    open(os.environ["TRACE"], "a").write(f"{run.step}\\n")
    time.sleep(float(os.environ.get("SLOW", 0)))
    run.log(loss=1 / x.sum())"""),
    ("load", "dl.pretrained.load('small', use=PRETRAINED, net=net)\nweight = net.weight.item()"),
    ("show", """
pixels, file = np.random.default_rng(0).integers(120, 128, (80, 80, 3), "uint8"), BytesIO()
Image.fromarray(pixels).save(file, "png")
png = base64.b64encode(file.getvalue()).decode()
widget = {"model_id": "1", "version_major": 2, "version_minor": 0}
bundle = {"application/vnd.jupyter.widget-view+json": widget, "text/plain": "HBox()"}
display(bundle, raw=True)
display({**bundle, "image/png": png}, raw=True)
print(" 10%|#         | 1/10", end="\\r", file=sys.stderr)
print("weight", weight, PRETRAINED)"""),
    ("fail", "assert 'FAIL' not in os.environ, 'the plot is broken'"),
    ("results", "dl.results('small', mse=weight, share={'half': 0.5})"),
]  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A checkout of its own, with the package as it is and one notebook."""
    root = tmp_path_factory.mktemp("course")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(dlimlib.__file__).parent, root / "dlimlib", ignore=ignore)
    (root / "pyproject.toml").write_text("")
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for name, source in CELLS:
        new = nbformat.v4.new_markdown_cell if name == "title" else nbformat.v4.new_code_cell
        metadata = {"slideshow": {"slide_type": "slide"}, "tags": ["cover"] if name == "show" else []}
        nb.cells.append(new(source.strip(), id=name, metadata=metadata))
    nbs.write(nb, root / "notebooks" / "small.ipynb")
    return root


def command(course, *options, **variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "DLIM_REC", "DLIM_PROF"))}
    env.update(DLIM_HOME=str(course / "home"), TRACE=str(course / "trace"), OMP_NUM_THREADS="1", **variables)
    argv = [sys.executable, "-m", "dlimlib.course.record", "small", "--profile", "smoke", *options]
    return subprocess.Popen(
        argv, cwd=course, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip


def execute(course, *options, **variables):
    (course / "trace").write_text("")
    process = command(course, *options, **variables)
    out, _ = process.communicate(timeout=100)
    return process.returncode, out


def files(course):
    """All that a recording may change."""
    places = [course / "notebooks", course / "data", course / "dlimlib"]
    found = (p for place in places for p in place.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p: p.read_bytes() for p in found}


def kept(course):
    """The folder of the training."""
    return course / "home/recording/small/smoke/runs/small"


def change(course, cell, old, new):
    path = course / "notebooks/small.ipynb"
    nb = nbs.read(path)
    assert old in nb.cells[cell].source
    nb.cells[cell].source = nb.cells[cell].source.replace(old, new)
    nbs.write(nb, path)


def steps(course):
    return [int(line) for line in (course / "trace").read_text().split()]


def begin_slowly(course):
    """Begin a recording that takes 0.2 s a step; returns its process after three steps."""
    (course / "trace").write_text("")
    process = command(course, "--record", SLOW="0.2")
    end = time.monotonic() + 60
    while not (course / "trace").read_text().count("\n") >= 3 and time.monotonic() < end:
        time.sleep(0.05)
    return process


def test_run_writes_a_copy_and_nothing_else(course):
    before = files(course)
    code, out = execute(course, "--out", str(course / "copies"))
    assert code == 0, out
    assert "[  3/7] Small · train " in out
    copy = nbs.read(course / "copies" / "small.ipynb")
    assert [cell.execution_count for _, cell in nbs.code(copy)] == list(range(1, 8))
    assert "no weights are stored yet" in copy.cells[4].outputs[0].text
    assert files(course) == before


def test_cut_off_then_recorded(course):
    """Ctrl-C: the Run saves, nothing is stored; the same command goes on from there and stores all."""
    before = files(course)
    process = begin_slowly(course)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "it goes on from there" in out and "Traceback" not in out, out
    assert files(course) == before
    done = steps(course)
    assert done == list(range(len(done))) and 3 <= len(done) < 40

    code, out = execute(course, "--record")
    assert code == 0, out
    assert steps(course) == list(range(len(done), 40))
    stored = json.loads((course / "data/results/small.json").read_text())
    made = stored["made_on"]
    assert (made["profile"], made["seed"], made["data"]) == ("smoke", 3, None)
    assert list(made["trainings"]) == ["small"] and made["seconds"] == made["trainings"]["small"] > 0.4
    assert (course / "data/pretrained/small.safetensors").is_file()
    noted = json.loads((kept(course) / "training.json").read_text())
    assert (
        noted["complete"]
        and {"net", "Batches", "SEED"} <= noted["parts"].keys()
        and "np" not in noted["parts"]
    )
    nb, mse = nbs.read(course / "notebooks/small.ipynb"), stored["figures"]["mse"]
    filled = f"<!--r:mse-->{mse:.3f}<!--/r-->, that is <!--r:share/half%-->50<!--/r--> %."
    assert nb.cells[0].source.endswith(filled)
    assert nb.cells[2].source == CELLS[2][1].strip(), "PRETRAINED is off only while recording"
    assert nb.metadata["dlim"]["stamp"] == nbs.stamp(nb)
    show = nb.cells[5].outputs
    assert [o.output_type for o in show] == ["display_data", "stream"]
    assert show[0].metadata == {"image/jpeg": {"alt": "HBox()"}}
    assert set(show[0].data) == {"image/jpeg", "text/plain"} and show[1].text == f"weight {mse} False\n"
    assert nb.cells[0].attachments == {"cover": {"image/jpeg": show[0].data["image/jpeg"]}}
    assert base64.b64decode(show[0].data["image/jpeg"]) == (course / "docs/small.jpeg").read_bytes()
    assert not list(course.rglob(".*.new"))


def test_refresh_renews_outputs_only(course):
    path = course / "notebooks/small.ipynb"
    before = files(course)
    nb = nbs.read(path)
    nb.cells[5].source += "\nprint('a new line')"
    nb.cells[0].source = nb.cells[0].source.replace("<!--r:mse-->", "<!--r:mse-->1")
    nbs.write(nb, path)
    code, out = execute(course, "--refresh")
    assert code == 0, out
    assert steps(course) == [], "the finished Run is shown, not trained again"
    nb = nbs.read(path)
    assert "a new line" in nb.cells[5].outputs[1].text and nb.metadata["dlim"]["stamp"] == nbs.stamp(nb)
    assert "the course's weights" in nb.cells[4].outputs[0].text
    assert not nbs.check_marks(nb, json.loads((course / "data/results/small.json").read_text())["figures"])
    after = files(course)
    assert len(after) == len(before) and [p for p in after if after[p] != before[p]] == [path]


def test_a_refresh_without_the_kept_training_shows_what_is_stored(course):
    """What shows the training keeps its output, what shows the stored weights is executed."""
    path, aside = course / "notebooks/small.ipynb", course / "aside"
    change(course, 3, "run.log(loss=1 / x.sum())", "run.log(loss=1 / x.sum())\nprint(trained)")
    change(course, 5, "a new line", "a newer line")
    nb = nbs.read(path)
    nb.cells[3].outputs = [nbformat.v4.new_output("stream", name="stdout", text="as stored\n")]
    nbs.write(nb, path)
    kept(course).rename(aside)
    code, out = execute(course, "--refresh")
    aside.rename(kept(course))
    assert code == 0, out
    assert steps(course) == [] and "1 cells keep their outputs (train)" in out
    nb = nbs.read(path)
    assert nb.cells[3].outputs[0].text == "as stored\n" and nb.cells[3].execution_count == 3
    weight = json.loads((course / "data/results/small.json").read_text())["figures"]["mse"]
    assert nb.cells[5].outputs[1].text == f"weight {weight} True\na newer line\n"


def test_what_a_training_does_not_depend_on_keeps_it_on_any_machine(course, tmp_path):
    code, out = execute(course, "--export", str(tmp_path))
    assert code == 0 and "1 trainings copied" in out, out
    shutil.rmtree(course / "home/recording")
    code, out = execute(course, "--record", "--import", str(tmp_path))
    assert code == 2, "one thing at a time"
    code, out = execute(course, "--import", str(tmp_path))
    assert code == 0, out
    change(course, 2, "import numpy as np", "import numpy as np  # a comment\nimport math")
    change(course, 5, "a newer line", "another line")
    change(course, 3, "run = dl.Run", "# the same\nrun = dl.Run")
    code, out = execute(course, "--record")
    assert code == 0 and steps(course) == [], out
    assert "small: kept (" in out


def test_a_recording_that_was_killed_goes_on(course):
    change(course, 3, "/ 1000", "/ 900")
    process = begin_slowly(course)
    for each in (*psutil.Process(process.pid).children(recursive=True), process):
        each.kill()
    process.communicate(timeout=60)
    code, out = execute(course, "--record")
    assert code == 0 and "small: goes on (" in out, out
    assert 0 < steps(course)[0] < 40 and steps(course)[-1] == 39
    weight = json.loads((course / "data/results/small.json").read_text())["figures"]["mse"]
    code, out = execute(course, "--record", "--anew")
    assert code == 0 and steps(course) == list(range(40))
    again = json.loads((course / "data/results/small.json").read_text())["figures"]["mse"]
    assert weight == again, "as if it had never been killed"


def test_changed_training_code_trains_anew_and_failures_store_nothing(course):
    change(course, 3, "/ 900", "/ 500")
    change(course, 0, "%.", "%. <!--r:unknown-->0<!--/r-->")
    before = files(course)
    code, out = execute(course, "--record", FAIL="1")
    assert code == 1 and "the plot is broken" in out and "Error in Small · fail" in out
    assert "small: trains anew because the training in cell train changed" in out and len(steps(course)) == 40
    assert files(course) == before
    copy = nbs.read(course / "executed" / "smoke" / "small.ipynb")
    assert copy.cells[6].outputs[0].ename == "AssertionError"
    assert "PRETRAINED = True" in copy.cells[2].source

    code, out = execute(course, "--record")
    assert steps(course) == [], "what had been trained before the failure is not trained again"
    assert code == 1 and "quotes figures that the notebook does not report: unknown" in out
    assert files(course) == before


def test_notebooks_are_found_by_their_number(course, monkeypatch):
    monkeypatch.setattr(record.settings, "checkout", lambda: course)
    path = course / "notebooks/small.ipynb"
    assert record.find(["sm"]) == record.find(["all", str(path)]) == [path]
    with pytest.raises(FileNotFoundError, match="no notebook 77; .* there are: small"):
        record.find(["77"])

"""Every notebook keeps the course's conventions; its outputs fit its code, its prose the stored figures."""

import base64
import json
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter
from PIL import Image

from dlimlib import pretrained
from dlimlib.course import badges, conventions
from dlimlib.course import notebook as nbs

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_conventions(path):
    assert conventions.lint(nbs.read(path)) == []


@every_notebook
def test_outputs_fit_the_code(path):
    nb = nbs.read(path)
    stamp = nb.metadata.get("dlim", {}).get("stamp")
    assert stamp == nbs.stamp(nb), f"outputs are stale: python -m dlimlib run {path.stem[:2]} --refresh"


@every_notebook
def test_figures_in_the_prose_are_the_stored_ones(path):
    results = ROOT / "data" / "results" / path.name.replace(".ipynb", ".json")
    figures = json.loads(results.read_text(encoding="utf-8"))["figures"] if results.exists() else {}
    assert nbs.check_marks(nbs.read(path), figures) == []


@every_notebook
def test_the_first_cell_is_the_stamped_one(path):
    cell = next(cell for _, cell in nbs.code(nbs.read(path)))
    assert cell.id == "bootstrap"
    assert cell.source == badges.bootstrap_source(badges.repository(ROOT)), "run python -m dlimlib badges"


@every_notebook
def test_the_file_is_written_as_ours(path):
    assert path.read_text(encoding="utf-8") == nbs.dumps(nbs.read(path)), "indent 1, a newline at the end"


def test_weights_are_small_and_belong_to_a_notebook():
    files = {p.stem: p.read_bytes() for p in (ROOT / "data" / "pretrained").glob("*.safetensors")}
    assert sum(map(len, files.values())) <= 35e6
    for path in NOTEBOOKS:
        own = [key for key in files if pretrained.belongs(key, path.stem)]
        assert sum(len(files.pop(key)) for key in own) <= 6e6, path.stem
    assert not files


# ---------------------------------------------------------------------------------------- the rules

GRADE = dict(schema_version=3, grade_id="kl", grade=False, solution=True, locked=False, task=False)
TEST = GRADE | dict(grade_id="test_kl", grade=True, solution=False, locked=True, points=2)
OPEN = TEST | dict(grade_id="why", solution=True, locked=False)
SOLUTION = "def kl(mu):\n    ### BEGIN SOLUTION\n    return mu.sum()\n    ### END SOLUTION"
CHECK = 'assert kl, "there is no kl"\n### BEGIN HIDDEN TESTS\nprobe("sum", kl(x))\n### END HIDDEN TESTS'


def good():
    """A notebook without a fault: 0 title, 1 bootstrap, 2 setup, 3 solution, 4 its test, 5 a question."""
    sources = ["# Title <!--r:mse-->0.02<!--/r-->", "import dlimlib", "x = 1  # a", SOLUTION, CHECK, "Answer"]
    names = ["title", "bootstrap", "setup", "kl", "test", "why"]
    nb = nbformat.v4.new_notebook()
    nb.metadata.update(nbformat.from_dict(conventions.METADATA | nbs.LAB))
    for i, (name, source) in enumerate(zip(names, sources, strict=True)):
        make = nbformat.v4.new_markdown_cell if name in ("title", "why") else nbformat.v4.new_code_cell
        nb.cells.append(make(source, id=name, metadata={"slideshow": {"slide_type": "slide"}}))
        if "execution_count" in nb.cells[i]:
            nb.cells[i].execution_count = i
    nb.cells[3].metadata["nbgrader"] = nbformat.from_dict(GRADE)
    nb.cells[4].metadata["nbgrader"] = nbformat.from_dict(TEST)
    nb.cells[5].metadata["nbgrader"] = nbformat.from_dict(OPEN)
    return nb


def show(nb, data):
    nb.cells[2].outputs = [nbformat.v4.new_output("display_data", data=data)]


def grader(i, **changes):
    return lambda nb: nb.cells[i].metadata.nbgrader.update(changes)


def source(i, old, new):
    return lambda nb: nb.cells[i].update(source=nb.cells[i].source.replace(old, new))


BROKEN = {
    "accelerator": lambda nb: nb.metadata.pop("accelerator"),
    "colab must be": lambda nb: nb.metadata.colab.update(gpuType="A100"),
    "kernelspec must be as JupyterLab": lambda nb: nb.metadata.kernelspec.update(name="conda-env"),
    "language_info must be as JupyterLab": lambda nb: nb.metadata.language_info.pop("mimetype"),
    "without a text alternative": lambda nb: (
        nb.metadata.update(dlim={"rules": 2}),
        show(nb, {"image/png": "A"}),
    ),
    "id of its own": lambda nb: nb.cells[2].update(id="title"),
    "slide type": lambda nb: nb.cells[2].metadata.clear(),
    "more than 30 lines": lambda nb: nb.cells[2].update(source="x = 1\n" * 31),
    "with the id title": lambda nb: nb.cells[0].update(id="other"),
    "with the id bootstrap": lambda nb: nb.cells[1].update(id="other"),
    "not executed in order": lambda nb: nb.cells[2].update(execution_count=7),
    "not executed": lambda nb: nb.cells[2].update(execution_count=None),
    "take 1.6 MB": lambda nb: show(nb, {"image/png": "A" * 1_600_000}),
    "state of widgets": lambda nb: nb.metadata.update(widgets={}),
    "an error is stored": lambda nb: nb.cells[2].update(
        outputs=[nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    ),
    "a live widget": lambda nb: show(nb, {nbs.WIDGET: {}, "image/png": "A"}),
    "path of this machine (/home/ada)": lambda nb: show(nb, {"text/plain": "/home/ada/x.py:3: UserWarning"}),
    "(ipykernel_17)": lambda nb: nb.cells[2].update(
        outputs=[nbformat.v4.new_output("stream", name="stderr", text="ipykernel_17/3.py: Warning")]
    ),
    "(C:\\Users)": lambda nb: show(nb, {"text/html": "<b>C:\\Users\\ada</b>"}),
    "schema_version 3": grader(3, schema_version=2),
    "needs a grade_id": grader(3, grade_id=""),
    "there twice": grader(4, grade_id="kl"),
    "true or false": grader(3, task=None),
    "needs points": grader(4, points=None),
    "cell type has changed": grader(4, cell_type="markdown"),
    "is not locked": grader(4, locked=False),
    "must also be a solution": grader(5, solution=False, locked=True),
    "BEGIN SOLUTION and": source(3, "### END SOLUTION", ""),
    "BEGIN HIDDEN TESTS and": source(4, "### BEGIN HIDDEN TESTS", ""),
    "no nbgrader metadata": lambda nb: nb.cells[3].metadata.pop("nbgrader"),
    "no ### BEGIN SOLUTION": source(3, SOLUTION, "def kl(): pass"),
    "followed by its test cell": lambda nb: nb.cells.pop(4),
    "no probe among the hidden tests": source(4, "probe(", "print("),
    "assert without a sentence": source(4, ', "there is no kl"', ""),
    "must not be heavy": lambda nb: nb.cells[4].metadata.update(tags=["heavy"]),
}


def test_a_good_notebook_has_no_fault():
    nb = good()
    nb.cells[2].source = "x = 1\n" * 31
    nb.cells[2].metadata["tags"] = ["train"]
    show(nb, {"text/html": '<img src="data:image/png;base64,AA/tmp/x/home/ada">'})
    assert conventions.lint(nb) == []


@pytest.mark.parametrize("says", BROKEN)
def test_each_rule_finds_its_fault(says):
    nb = good()
    BROKEN[says](nb)
    assert any(says in problem for problem in conventions.lint(nb)), conventions.lint(nb)


@pytest.mark.parametrize(
    "change, same",
    [
        (lambda nb: nb.cells[2].update(source="x  =  1   # another comment"), True),
        (lambda nb: nb.cells[0].update(source="# Other prose"), True),
        (lambda nb: nb.cells[1].update(source="import os"), True),  # the bootstrap cell
        (lambda nb: nb.cells[2].update(source="x = 2  # a"), False),
        (lambda nb: nb.cells[2].update(source="%matplotlib inline\nx = 1"), False),
        (lambda nb: nb.cells.pop(2), False),
    ],
)
def test_the_stamp_is_one_of_code(change, same):
    nb = good()
    change(nb)
    assert (nbs.stamp(nb) == nbs.stamp(good())) == same


def test_the_stamp_is_the_same_in_every_python():
    nb = nbformat.v4.new_notebook()
    source = "!ls\n%time f(1)\ndef f(x: int = 1, *a, **k): return [f'{x!r}', None]"
    nb.cells.append(nbformat.v4.new_code_cell(source))
    assert nbs.stamp(nb).startswith("42cd9d2c8d0e9cab")


def test_the_stamp_names_the_data(monkeypatch):
    nb = good()
    nb.cells[2].source = 'faces = dl.data.load("toy-faces")'
    before = nbs.stamp(nb)
    from dlimlib.data import faces

    assert nbs.data_version(nb) == f"toy-faces v{faces.VERSION}"
    monkeypatch.setattr(faces, "VERSION", "next")
    assert nbs.data_version(nb) == "toy-faces vnext" and nbs.stamp(nb) != before


FIGURES = {
    "mse": 0.0214,
    "fd": {"seeds": [1.0, 2.0]},
    "share": {"A": 0.256, "G(x), no b": 0.1},
    "by": {"A": {"seeds": [3, 4]}},
}


@pytest.mark.parametrize(
    "text, filled",
    [
        ("<!--r:mse-->0.00<!--/r-->", "<!--r:mse-->0.02<!--/r-->"),
        ("<!--r:mse-->1.2345<!--/r-->", "<!--r:mse-->0.0214<!--/r-->"),
        ("<!--r:fd-->0.0<!--/r--> and <!--r:share/A%-->0<!--/r--> %", "<!--r:fd-->1.5<!--/r--> and "
         "<!--r:share/A%-->26<!--/r--> %"),
        ("<!--r:by/A-->0.0<!--/r-->", "<!--r:by/A-->3.5<!--/r-->"),
        ("<!--r:share/G(x), no b-->0.0<!--/r-->", "<!--r:share/G(x), no b-->0.1<!--/r-->"),
    ],
)  # fmt: skip
def test_marks_are_filled_and_checked(text, filled):
    nb = good()
    nb.cells[0].source = text
    assert len(nbs.check_marks(nb, FIGURES)) == text.count("<!--r:")
    nbs.fill_marks(nb, FIGURES)
    assert nb.cells[0].source == filled and nbs.check_marks(nb, FIGURES) == []


@pytest.mark.parametrize("text", ["<!--r:no-->1<!--/r-->", "<!--r:share-->1<!--/r-->", "<!--r:mse-->0.02"])
def test_bad_marks_are_found(text):
    nb = good()
    nb.cells[0].source = text
    assert len(nbs.check_marks(nb, FIGURES)) == 1


def test_pictures_keep_their_text_alternative_or_get_one():
    """dl.plot's own text, else what the output says as text, else the heading; nbconvert writes it."""
    nb, file = good(), BytesIO()
    noise = np.random.default_rng(0).integers(120, 128, (60, 60, 3), "uint8")
    Image.fromarray(noise).save(file, "png")
    grid = base64.b64encode(file.getvalue()).decode()
    told = [{"image/png": {"alt": "six faces"}}, {}, {}]
    plain = ["<Figure size 9x9 with 1 Axes>", "Sliders: yaw", "<Figure size 9x9\n with 1 Axes>"]
    nb.cells[2].outputs = [
        nbformat.v4.new_output("display_data", {"image/png": grid, "text/plain": text}, metadata=metadata)
        for text, metadata in zip(plain, told, strict=True)
    ]
    nb.cells[0].source = "# Faces\ntext"
    nbs.clean_outputs(nb)
    alts = [nbs.pictures(output) for output in nb.cells[2].outputs]
    assert alts == [{"image/jpeg": text} for text in ("six faces", "Sliders: yaw", "Faces")]
    nb.metadata["dlim"] = {"rules": nbs.RULES}
    assert conventions.lint(nb) == []
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(nb)
    assert page.count('alt="six faces"') == page.count('alt="Sliders: yaw"') == page.count('alt="Faces"') == 1


def test_reading_and_writing_changes_nothing(tmp_path):
    nbs.write(good(), tmp_path / "a.ipynb")
    text = (tmp_path / "a.ipynb").read_text()
    nbs.write(nbs.read(tmp_path / "a.ipynb"), tmp_path / "a.ipynb")
    assert (tmp_path / "a.ipynb").read_text() == text
    assert text.startswith('{\n "cells"') and text.endswith("}\n")


def test_a_file_of_ours_is_as_the_jupyter_server_saves_it(tmp_path):
    """What JupyterLab loads and saves again is the same file, so that git sees no change."""
    from jupyter_server.services.contents.filemanager import FileContentsManager

    nbs.write(good(), tmp_path / "a.ipynb")
    before = (tmp_path / "a.ipynb").read_bytes()
    manager = FileContentsManager(root_dir=str(tmp_path))
    model = manager.get("a.ipynb")
    manager.save({key: model[key] for key in ("type", "format", "content")}, "a.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == before

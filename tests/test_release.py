"""The student edition: nothing of a solution is in it, its own check knows what is done, it installs."""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dlimlib.course import notebook as nbs
from dlimlib.course.grading import warm
from dlimlib.course.handout import check, commands, release, texts

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HIDDEN = re.compile(r"(?s)### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1")
# lines of solutions that stand in the notebook or the package for everyone to see as well
SEEDED, BACK = "g = torch.Generator().manual_seed(SEED)", "loss.backward()"
GIVEN = {
    "01": {SEEDED, BACK},
    "02": {SEEDED, "x = F.max_pool2d(x, 2)"},
    "03": {SEEDED, "mu, logvar = E(x).chunk(2, dim=1)"},
    "04": {SEEDED, "codebook, commitment = vq_losses(z, z_q)", "out = straight_through(z, z_q)"},
    "05": {BACK},
    "06": {SEEDED, BACK, "got = projection(score, f, e)"},
    "07": {"loss = judge_loss(D, order, x, x_fake)", "return nn.Sequential("},
    "08": {"loss = cycle_loss(G, F, x, y, F(y), G(x))"},
}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder that `release all` writes."""
    folder = tmp_path_factory.mktemp("handed") / "out"
    assert commands.main(["release", "all", "--to", str(folder)]) == 0
    return folder


def secrets(path):
    """The lines of a notebook's solutions, hidden tests and rubrics that say something."""
    sources = "\n".join(cell.source for cell in nbs.read(path).cells)
    lines = {line.strip() for _, text in HIDDEN.findall(sources) for line in text.splitlines()}
    return {line for line in lines if len(re.sub(r"\W", "", line)) >= 12}


def everything(data, name=""):
    """Yield the text of a file, and of all that is packed in it."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.namelist():
                yield from everything(archive.read(entry), entry)
    elif not name.endswith(".safetensors"):
        text = data.decode(errors="replace")
        yield text
        if name.endswith((".ipynb", ".json")):  # its texts are escaped
            yield "\n".join(strings(json.loads(text)))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        yield "".join(value)
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_line_of_a_solution_leaves_the_house(path, released):
    folder = released / path.stem[:2]
    text = "\n".join(t for p in folder.iterdir() for t in everything(p.read_bytes(), p.name))
    text = re.sub(r"\s+", " ", text)
    leaked = {line for line in secrets(path) if re.sub(r"\s+", " ", line) in text}
    assert leaked == GIVEN[path.stem[:2]]
    assert "BEGIN SOLUTION" not in (folder / path.name).read_text(encoding="utf-8") and "Rubric" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_edition_is_the_notebook_with_stubs(path, released):
    whole, edition = nbs.read(path), nbs.read(released / path.stem[:2] / path.name)
    assert [cell.id for cell in edition.cells] == [cell.id for cell in whole.cells] + ["check-text", "check"]
    assert not any(cell.outputs or cell.execution_count for _, cell in nbs.code(edition))
    for before, after in zip(whole.cells, edition.cells, strict=False):
        if nbs.is_solution(before):
            assert texts.CODE_STUB.splitlines()[1] in after.source
        elif nbs.is_question(before):
            assert after.source.endswith(texts.TEXT_STUB)
        elif nbs.is_test(before):
            assert before.source.startswith(after.source.rstrip()) and "assert" in after.source
            assert after.metadata.deletable is False and after.metadata.nbgrader == before.metadata.nbgrader
        else:
            assert after.source == before.source


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_check_gives_nothing_for_stubs_and_all_for_solutions(path, released):
    edition, whole = nbs.read(released / path.stem[:2] / path.name), nbs.read(path)
    stubs = check.check(edition, launch=warm.launch)
    assert len(stubs) >= 4 and all(outcome.problem for outcome in stubs), stubs
    said = check.report(edition, stubs)
    assert texts.OPEN in said and re.search(r"\n0 of \d+ points .*; \d+ more", said), said
    solved = {cell.id: cell.source for cell in whole.cells if nbs.is_solution(cell)}
    for cell in edition.cells:
        cell.source = solved.get(cell.id, cell.source)
    done = check.check(edition, launch=warm.launch)
    assert [outcome.problem for outcome in done] == [None] * len(stubs)


def test_the_check_cell_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    check.check_my_work("03_vae.ipynb")
    assert "There is no 03_vae.ipynb in" in capsys.readouterr().out
    nbs.write(nbs.nbformat.v4.new_notebook(), tmp_path / "03_vae.ipynb")
    check.check_my_work("03_vae.ipynb")
    assert "has no graded cells any more" in capsys.readouterr().out


def test_a_wrong_answer_is_told_in_the_words_of_the_test(released, tmp_path, monkeypatch, capsys):
    path = released / "03" / "03_vae.ipynb"
    edition = nbs.read(path)
    for cell in edition.cells:
        if cell.id == "free_bits":
            cell.source = "def free_bits(rent, allowance):\n    return rent.mean(0).sum()"
    nbs.write(edition, tmp_path / "03_vae.ipynb")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        check, "run_cells", lambda *a, run=check.run_cells, **k: run(*a, **k | {"launch": warm.launch})
    )
    check.check_my_work("03_vae.ipynb")
    said = capsys.readouterr().out
    assert re.search(r"free_bits +2 points  not yet: .*means 1 and 6", said), said
    assert re.search(r"^As saved at \d\d:\d\d:\d\d:", said)


def test_the_same_notebook_gives_the_same_bytes(released, tmp_path):
    again = release.release(ROOT / "notebooks" / "03_vae.ipynb", tmp_path)
    for file in again.iterdir():
        assert file.read_bytes() == (released / "03" / file.name).read_bytes()


def test_what_release_did_not_write_is_not_replaced(tmp_path, capsys):
    mine = tmp_path / "03" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    arguments = ["release", "03", "--to", str(tmp_path)]
    assert commands.main(arguments) == 2 and mine.read_text() == "precious"
    assert "mine.txt, which release did not write" in capsys.readouterr().err
    assert commands.main([*arguments, "--force"]) == 0 and not mine.exists()
    assert commands.main(arguments) == 0, "what it wrote itself it may write again"
    assert {path.name for path in tmp_path.iterdir()} == {"03"}


def test_wrong_commands_are_answered_in_a_sentence(tmp_path, capsys):
    assert commands.main(["release", "33", "--to", str(tmp_path)]) == 2
    assert "no notebook 33" in capsys.readouterr().err
    assert commands.main(["grate"]) == 2 and "the commands are release, collect" in capsys.readouterr().err
    assert commands.main(["--help"]) == 0 and "course release 03" in capsys.readouterr().out


@pytest.mark.slow
def test_pip_builds_the_package_from_the_zip(released, tmp_path):
    zips = [released / "02" / "dlim.zip"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        str(tmp_path),
        *map(str, zips),
    ]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("dlimlib-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "dlimlib/_pretrained/02_unet.safetensors" in names and "dlimlib/_drawings/faces.json" in names
    assert "dlimlib/course/handout/check.py" in names and not any(name.endswith(".ipynb") for name in names)

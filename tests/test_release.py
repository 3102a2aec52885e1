"""The student edition: nothing of a solution is in it, its own check knows what is done, it installs."""

import functools
import io
import json
import os
import re
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from dlimlib.course import badges
from dlimlib.course import notebook as nbs
from dlimlib.course.grading import warm
from dlimlib.course.handout import check, collect, commands, release, texts

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HIDDEN = re.compile(r"(?s)### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1")
# lines of solutions that stand in the notebook or the package for everyone to see as well
SEEDED, BACK = "g = torch.Generator().manual_seed(SEED)", "loss.backward()"
ZERO = "D.zero_grad()"
GIVEN = {
    "01": {SEEDED, BACK},
    "02": {SEEDED, "x = F.max_pool2d(x, 2)", "E.backward()"},
    "03": {SEEDED, "mu, logvar = E(x).chunk(2, dim=1)"},
    "04": {SEEDED, "codebook, commitment = vq_losses(z, z_q)", "out = straight_through(z, z_q)"},
    "05": {BACK, ZERO},
    "06": {SEEDED, BACK, ZERO, "def G_toy(z, c):", "got = planes(x, c)", "got = projection(score, f, e)"},
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
    return {line for line in lines if len(re.sub(r"\W", "", line)) >= 8}


def everything(data, name=""):
    """Yield the text of a file, its name, and of all that is packed in it."""
    yield name
    if name.endswith((".zip", ".whl")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.namelist():
                yield from everything(archive.read(entry), entry)
    else:
        text = data.decode(errors="ignore")
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
    assert leaked == GIVEN.get(path.stem[:2], set())
    assert len(secrets(path)) > 30 and len(leaked) < 7
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


def on_colab(edition, monkeypatch):
    """The notebook is open on Colab: format 4.0, so cells without ids, and sources as lists of lines."""
    nb = json.loads(nbs.dumps(edition)) | {"nbformat_minor": 0}
    for cell in nb["cells"]:
        del cell["id"]
    colab = types.ModuleType("google.colab")
    colab._message = types.SimpleNamespace(blocking_request=lambda *a, **k: {"ipynb": nb})
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)


@pytest.mark.slow
def test_on_colab_the_open_notebook_is_checked(released, tmp_path, monkeypatch, capsys):
    edition = nbs.read(released / "02" / "02_unet.ipynb")
    on_colab(edition, monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("02_unet.ipynb").write_text("an older one, from the zip")
    monkeypatch.setattr(check, "check", functools.partial(check.check, launch=warm.launch))
    check.check_my_work("02_unet.ipynb")
    said = capsys.readouterr().out
    assert said.count(texts.OPEN) >= 4 and "\n0 of " in said, said


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
    monkeypatch.setattr(check, "check", functools.partial(check.check, launch=warm.launch))
    check.check_my_work("03_vae.ipynb")
    said = capsys.readouterr().out
    assert re.search(r"free_bits +2 points  not yet: .*means 1 and 6", said), said
    assert re.search(r"^As saved at \d\d:\d\d:\d\d:", said)


def test_what_release_did_not_write_is_not_replaced(tmp_path, capsys):
    mine = tmp_path / "05" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    arguments = ["release", "03", "05", "--to", str(tmp_path)]
    assert commands.main(arguments) == 2 and mine.read_text() == "precious"
    assert "05 holds what release did not write (mine.txt)" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"05"}, "nothing is written before all is looked at"
    assert commands.main([*arguments, "--force"]) == 0 and not mine.exists()
    assert commands.main(arguments) == 0, "what it wrote itself it may write again"
    assert {path.name for path in tmp_path.iterdir()} == {"03", "05"}
    for file, text in (("03_vae.ipynb", "changed by hand"), (release.MARK, "{"), (release.MARK, "[]")):
        (tmp_path / "03" / file).write_text(text)
        with pytest.raises(release.Refused, match="03_vae.ipynb|something else"):
            release.release(ROOT / "notebooks" / "03_vae.ipynb", tmp_path)
    file = tmp_path / "file"
    (file.mkdir(), (file / "03").write_text("a file"))
    assert commands.main(["release", "03", "--to", str(file)]) == 2


def test_an_edition_is_there_until_the_new_one_is(tmp_path, monkeypatch):
    path = ROOT / "notebooks" / "03_vae.ipynb"
    target = release.release(path, tmp_path)
    before, moves = {file.name for file in target.iterdir()}, []

    def full(old, new, replace=os.replace):
        moves.append(new)
        if len(moves) == 2:
            raise OSError("no space left")
        replace(old, new)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        release.release(path, tmp_path)
    assert {file.name for file in target.iterdir()} == before and list(tmp_path.iterdir()) == [target]


def test_an_edition_knows_itself_and_leads_to_no_solution(released, tmp_path):
    for path in NOTEBOOKS:
        data = (released / path.stem[:2] / path.name).read_bytes()
        assert collect.ITSELF.search(data)[1].decode() == path.stem
    whole = nbs.read(NOTEBOOKS[0])
    badges.stamp(whole, NOTEBOOKS[0].stem, "owner/name")
    assert "blob/main/notebooks" in nbs.dumps(whole)
    assert "blob/main/notebooks" not in nbs.dumps(release.student_edition(whole, "x.ipynb"))


def test_only_the_stub_is_still_to_be_written():
    assert check._problem({"error": ["NotImplementedError", ""], "fatal": None}) == texts.OPEN
    meta = {"error": ["NotImplementedError", "Cannot copy out of meta tensor; no data!"], "fatal": None}
    assert "Cannot copy" in check._problem(meta)


def test_the_same_notebook_gives_the_same_bytes_wherever_it_lies(released, tmp_path):
    copy = tmp_path / "elsewhere" / "03_vae.ipynb"
    nbs.write(nbs.read(ROOT / "notebooks" / "03_vae.ipynb"), copy)
    target = release.release(copy, tmp_path)
    for file in target.iterdir():
        assert file.read_bytes() == (released / "03" / file.name).read_bytes()


def test_wrong_commands_are_answered_in_a_sentence(tmp_path, capsys):
    assert commands.main(["release", "33", "--to", str(tmp_path)]) == 2
    assert "no notebook 33" in capsys.readouterr().err
    assert commands.main(["grate"]) == 2 and "the commands are release, collect" in capsys.readouterr().err
    assert commands.main(["--help"]) == 0 and "course release 03" in capsys.readouterr().out


def test_pip_builds_the_package_from_the_zip(released, tmp_path):
    folder = released / "02"
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "-w", tmp_path, folder / "dlim.zip"], check=True)
    (wheel,) = tmp_path.glob("dlimlib-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "dlimlib/_pretrained/02_unet.safetensors" in names and "dlimlib/_drawings/faces.json" in names
    assert "dlimlib/course/handout/check.py" in names and not any(name.endswith(".ipynb") for name in names)
    with zipfile.ZipFile(folder / "02_unet.zip") as archive:
        assert archive.namelist() == ["02_unet/02_unet.ipynb", "02_unet/dlim.zip"]
        assert all(entry.external_attr >> 16 == 0o644 for entry in archive.infolist())

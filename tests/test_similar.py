"""Who has copied is found whatever was renamed; who wrote what one writes is left in peace."""

import json
import re
from pathlib import Path

import pytest
from test_exercises import FOLDERS, notebook

from dlimlib.course import notebook as nbs
from dlimlib.course.handout import commands
from dlimlib.course.marking import similar

ROOT = Path(__file__).parents[1]
COPIED = {  # of tests/exercises/01/right_loops.py: other names, comments, types, a line more
    "pca_reconstruct": (
        "def pca_reconstruct(x: torch.Tensor, mean, V) -> torch.Tensor:\n"
        '    """I have thought of this myself."""\n    # go through all\n    mine = []\n    for one in x:\n'
        "        z = V.T @ (one.flatten() - mean)\n        print(z)\n"
        "        mine.append((mean + V @ z).view(one.shape))  # done\n    return torch.stack(mine)"
    )
}


def answers(folder):
    """Return {student: {cell: text}}: everybody has one of the known mistakes, or another right solution."""
    own = {c.metadata.nbgrader.grade_id: c.source for c in notebook(folder).cells if nbs.is_solution(c)}
    found = {}
    for file in sorted(folder.glob("*.py")):
        parts = re.split(r"(?m)^# %% (\S+)\n", file.read_text(encoding="utf-8"))
        found[file.stem] = own | dict(zip(parts[1::2], parts[2::2], strict=True))
    return found, {name: [source] for name, source in own.items()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nobody_is_suspected_for_a_known_mistake_or_a_right_solution(folder):
    assert similar.pairs(*answers(folder)) == []


def test_a_copy_is_found_whatever_was_renamed():
    given, known = answers(FOLDERS[0])
    given["thief"] = {name: texts[0] for name, texts in known.items()} | COPIED
    (pair,) = similar.pairs(given, known)
    assert pair[:2] == ("pca_reconstruct", ("right_loops", "thief")) and pair.share > 0.6


def test_a_copy_from_top_to_bottom_is_found_in_each_long_cell():
    given, known = answers(FOLDERS[0])
    given["thief"] = given["right_loops"]
    found = similar.pairs(given, known)
    assert {pair.students for pair in found} == {("right_loops", "thief")}
    assert len(found) == 5 and all(pair.share == 1 for pair in found)
    assert [pair.runs for pair in found] == sorted((pair.runs for pair in found), reverse=True)


def test_what_the_solution_says_or_many_have_says_nothing():
    given, known = answers(FOLDERS[0])
    own = {name: texts[0] for name, texts in known.items()}
    given |= {f"usual {k}": own for k in range(9)} | {"renamed": own | renamed(own)}
    assert similar.pairs(given, known) == []
    few = {"right": own, "renamed": renamed(own)} | {f"nothing {k}": {} for k in range(20)}
    assert similar.pairs(few, known) == [], "the only two who have the solution"
    given |= {f"group {k}": given["right_loops"] for k in range(12)}
    assert similar.pairs(given, known) == [], "a third of the class"


def renamed(own):
    return {name: re.sub(r"\bx_hat\b", "guess", re.sub(r"\bz\b", "code", text)) for name, text in own.items()}


@pytest.mark.parametrize(
    "source", ["def f(:", "\0", "f(" * 500, "1+" * 30_000 + "1", "x" + ".y" * 30_000, "%%bash\nrm x", ""]
)
def test_what_is_no_python_is_like_nothing(source):
    given = {name: {"a": source} for name in "abcd"}
    assert similar.pairs(given, {"a": [""]}) == []


def test_comments_docstrings_and_own_names_do_not_count_but_what_is_called_does():
    text = "def f(a, b):\n    c = torch.cat([a, b])\n    return c.mean(0) + len(c) * 2"
    other = 'def g(x, y):  # mine\n    "I."\n    z = torch.cat([x, y])\n    return z.mean(0) + len(z) * 2'
    assert similar.runs(text) == similar.runs(other) and len(similar.runs(text)) > 10
    for old, new in (("cat", "stack"), ("2", "3"), ("+", "-"), ("len", "sum"), ("mean", "sum")):
        assert similar.runs(text) != similar.runs(text.replace(old, new)), old


def test_two_texts_stand_beside_each_other():
    shown = similar.beside("one\n\n    two", "a much longer line here\nb", 23).splitlines()
    assert shown == ["one        | a much", "           | longer", "    two    | line here", "           | b"]


@pytest.fixture
def graded(tmp_path):
    """The outcomes of a class in notebook 01."""
    given, _ = answers(FOLDERS[0])
    given["thief"] = given["right_other_operations"] | COPIED
    given |= {"torn": {}, "unread": None}
    (tmp_path / "01").mkdir()
    for student, written in given.items():
        (tmp_path / "01" / f"{student}.json").write_text(json.dumps({"written": written}))
    return tmp_path


def test_the_command_shows_both(graded, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    assert commands.main(["similar", "01", "--graded", str(graded), "--most", "2"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"(?m)^\d+%  \w+: right_\w+ and thief, \d+ unusual pieces in common$", said)
    among = f"among {len([*(graded / '01').iterdir()])} students"
    assert f"01_autoencoder: 3 pairs of answers are alike, of which 2 are shown, {among}" in said
    assert " | def " in said and max(map(len, said.splitlines())) <= 100


def test_a_class_that_is_too_small_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert commands.main(["similar", "01", "--graded", str(tmp_path)]) == 2
    assert "0 students are graded in" in capsys.readouterr().err

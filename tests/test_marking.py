"""A batch from what Moodle gives to what Moodle takes, and what must never be in it."""

import csv
import io
import json
import socket
import subprocess
import time
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from test_gradebook import ASKED, EVIL, KL, SAMPLE, edition, grades, handed_in, mark, notebook, result
from test_release import HIDDEN, NOTEBOOKS, secrets

from dlimlib import settings
from dlimlib.course import notebook as nbs
from dlimlib.course.grading import grade, gradebook, one, process, warm
from dlimlib.course.handout import commands, release
from dlimlib.course.marking import feedback, marks, questions

WRONG = KL.replace("0.5", "0.7")
OTHER = "def kl(m, v):\n    e = [(a * a + np.exp(b) - 1 - b) / 2 for a, b in zip(m.flat, v.flat)]\n"
OTHER += "    return np.array(e).sum() / len(m)"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The folder of a course with one notebook, 91_toy, in which commands run; processes start in no time."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "91_toy.ipynb").write_text(nbformat.writes(notebook()))
    monkeypatch.setattr("nbgrader.api.get_alembic_version", lambda: "167914646830")
    monkeypatch.setattr(settings, "checkout", lambda: tmp_path)
    monkeypatch.setattr(process, "launch", warm.launch)
    monkeypatch.setattr(grade, "grade_one", lambda job, running: one.outcome(job))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(course, results):
    """Put results into the gradebook without grading."""
    gradebook.save(course / "notebooks" / "91_toy.ipynb", results, course / "graded")


def lost(nb):
    for cell in nb.cells:
        cell.metadata, cell.id = {}, f"new-{cell.id}"
    return nb


BATCH = {  # what is handed in; the points of kl, sample, and the question before a person has looked
    "right": (handed_in(), 2, 2, None),
    "other": (handed_in(kl=OTHER), 2, 2, None),
    "half": (handed_in(kl=WRONG), 0, 2, None),
    "half2": (handed_in(sample=SAMPLE.replace("+", "-", 1)), 2, 0, None),
    "wrong": (handed_in(kl=WRONG, sample="def sample(*_): return 0"), 0, 0, None),
    "untouched": (edition(), 0, 0, 0),
    "silent": (handed_in(answer=""), 2, 2, 0),
    "ended": (handed_in(kl="import os\nos._exit(0)"), 0, 2, None),
    "lost": (lost(handed_in()), 2, 2, None),
    "empty": (b'{"cells": []}', 0, 0, 0),
    "torn": (b'{"cells": [', 0, 0, 0),
    "evil": (handed_in(answer=EVIL, kl=KL + '\n"<script>alert(5)</script>"'), 2, 2, None),
}


@pytest.mark.slow
def test_a_batch_from_end_to_end(course, capsys):
    with zipfile.ZipFile(course / "moodle.zip", "w") as archive:
        for number, (student, (nb, *_)) in enumerate(BATCH.items(), start=4700):
            name = "homework" if student == "right" else "91_toy"
            data = nb if isinstance(nb, bytes) else json.dumps(nb)
            archive.writestr(f"{student}_{number}_assignsubmission_file_/{name}.ipynb", data)
    (course / "list.csv").write_text("name\n=cleo\n" + "\n".join(BATCH))
    assert commands.main(["collect", "moodle.zip"]) == 0
    assert commands.main(["grade", "91", "--unsafe", "--workers", "1"]) == 0
    for number, (student, (_, *points)) in enumerate(BATCH.items(), start=4700):
        found = grades(course / "graded", f"{student}_{number}")
        assert [found[name][0] for name in ("test_kl", "test_sample", "q_why")] == points, student
        assert found["q_why"][2] == (points[2] is None), student
    mark(course / "graded", "right_4700", "q_why", 3, "Well *seen*.")
    assert commands.main(["grade", "91", "--unsafe"]) == 0
    assert commands.main(["feedback", "91"]) == 0
    assert commands.main(["marks", "--csv", "m.csv", "--students", "list.csv"]) == 0
    assert commands.main(["marks", "91", "--moodle", "o.csv"]) == 0
    said = capsys.readouterr().out
    assert "91: 7 of 12 have open questions that nobody has marked yet" in said

    head, *rows = csv.reader((course / "m.csv").read_text(encoding="utf-8-sig").splitlines())
    assert head == ["student", "91 kl", "91 sample", "91 q_why", "total", "out of", "unmarked"]
    rows = {row[0]: row[1:] for row in rows}
    assert rows.pop("'=cleo") == ["", "", "", "", "8", ""] and rows.keys() == BATCH.keys()
    assert rows.pop("right") == ["2", "2", "3", "7", "8", ""]
    for student, row in rows.items():
        kl, sample, why = BATCH[student][1:]
        asked, later = ("unmarked", "91 q_why") if why is None else ("0", "")
        assert row == [str(kl), str(sample), asked, str(kl + sample), "8", later], student

    head, *rows = csv.reader((course / "o.csv").read_text(encoding="utf-8").splitlines())
    assert head == ["Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)"]
    rows = {row[1]: row for row in rows}
    assert rows["right"] == ["Participant 4700", "right", "7", "8", ""] and rows["half"][2] == ""
    assert rows["untouched"][2] == "0" and len(rows) == 12

    pages = {p.parent.name: p.read_text() for p in (course / "feedback" / "91").rglob("*.html")}
    with zipfile.ZipFile(course / "feedback" / "91.zip") as archive:
        assert sorted(archive.namelist()) == sorted(f"{folder}/91_toy.html" for folder in pages)
    right = pages["right_4700_assignsubmission_file_"]
    assert "Well <em>seen</em>." in right and "Score: 7.0 / 8.0" in right and "Not marked" not in right
    assert "expected another value, got" in pages["half_4702_assignsubmission_file_"]
    assert "it is no JSON, so nothing of it was read" in pages["torn_4710_assignsubmission_file_"]
    for name, page in pages.items():
        if name.startswith(("untouched", "empty", "torn")):
            assert "np.exp(logvar) - 1" not in text(page) and "0.5 * logvar" not in text(page), name
        assert "Rubric" not in page and "default_rng" not in page and "SEED" not in page, name
    assert made_of(pages["evil_4711_assignsubmission_file_"]) <= made_of(right) | {("strong", ())}


class Reader(HTMLParser):
    """Collects the tags of a page with the names of their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))

    def handle_data(self, data):
        self.text += data


def text(page):
    return Reader(page).text


def made_of(page):
    """The kinds of tags on a page, with their attributes."""
    return set(Reader(page).tags)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_solution_is_shown_to_who_handed_in_nothing(path):
    nb = nbs.read(path)
    tests = [c.metadata.nbgrader.grade_id for c in nb.cells if nbs.is_test(c)]
    nothing = {name: {"points": 0, "of": 2, "sentences": [f"{name}: the cell did not run"]} for name in tests}
    told = {"marks": nothing, "notes": [], "written": {}}
    handed_out = release.student_edition(nb, path.name)
    said = json.dumps(gradebook.shown(handed_out, told), ensure_ascii=False)
    open_to_all = "".join(cell.source for cell in handed_out.cells)
    hidden = [line for line in secrets(path) if line not in open_to_all]
    assert len(hidden) > 30 and [line for line in hidden if json.dumps(line)[1:-1] in said] == []
    graded = len(tests) + sum(map(nbs.is_question, nb.cells))
    assert not HIDDEN.search(said) and said.count('"grade": true') == graded


def test_feedback_says_what_is_not_marked_yet(course):
    save(course, {"anna": result(), "ben_7": result(q_why="")})
    assert feedback.feedback("91", course / "graded", course / "out") == {"anna": ["q_why"], "ben_7": []}
    page = (course / "out" / "91" / "anna" / "91_toy.html").read_text()
    assert "Not marked yet" in page and ASKED.partition("\n")[2] in text(page)
    page = (course / "out" / "91" / "ben_7_assignsubmission_file_" / "91_toy.html").read_text()
    assert "Not marked yet" not in page and "[nothing]" in page


def test_moodles_numbers_differ_but_the_student_is_the_same():
    found = marks.people({"03": ["Anna_1", "Ben_2", "Ben_3"], "06": ["Anna_4", "Ben_5"]})
    assert found == {
        "Anna": {"03": "Anna_1", "06": "Anna_4"},
        "Ben_2": {"03": "Ben_2"},
        "Ben_3": {"03": "Ben_3"},
        "Ben_5": {"06": "Ben_5"},
    }, "who of the two Bens it is nobody can tell"


def test_several_notebooks_in_one_table():
    given = {"Anna_1": {"test_a": 2, "q": "unmarked"}, "Ben_2": {"test_a": 1.5, "q": 0}}
    found = {"03": ({"test_a": 2, "q": 4}, given), "06": ({"test_b": 3}, {"Anna_9": {"test_b": 3}})}
    expected = [("Cleo Dahl", {frozenset({"cleo", "dahl"})}), ("x", {frozenset({"ben"})})]
    assert marks.table(found, ["Anna_1", "Anna_9", "Ben_2", "Dora_3"], expected) == [
        ["student", "03 a", "03 q", "03 total", "06 b", "06 total", "total", "out of", "unmarked"],
        ["Anna", 2, "unmarked", 2, 3, 3, 5, 9, "03 q"],
        ["Ben", 1.5, 0, 1.5, "", "", 1.5, 9, ""],
        ["Dora", "", "", "", "", "", "", 9, ""],
        ["Cleo Dahl", "", "", "", "", "", "", 9, ""],
    ]


def test_no_cell_of_a_table_is_a_formula():
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "a=1", 'a"b,c\n=d']
    data = marks.as_csv([evil, [2.0, 2.5, 0, ""]])
    first, second = csv.reader(io.StringIO(data.decode(), newline=""))
    assert first == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'=1", "'=1", "a=1", 'a"b,c =d']
    assert second == ["2", "2.5", "0", ""]


def test_work_that_has_changed_since_it_was_marked_is_named(course, capsys):
    save(course, {"anna": result()})
    mark(course / "graded", "anna", "q_why", 4)
    save(course, {"anna": result(q_why="Another answer.")})
    assert commands.main(["marks", "--csv", "m.csv"]) == 0
    assert "91: marks by hand for work that has changed since: 1" in capsys.readouterr().out
    assert "anna,2,2,4,8,8," in Path("m.csv").read_text()


@pytest.mark.parametrize(
    "argv, says",
    [
        (["feedback", "91"], "no graded/gradebook.db yet: `course grade NN` makes it"),
        (["marks", "--csv", "m.csv"], "no graded/gradebook.db yet"),
        (["feedback", "92"], "no notebook 92"),
        (["marks", "92", "--csv", "m.csv"], "no notebook 92"),
        (["marks"], "say where to: --csv FILE or --moodle FILE"),
    ],
)
def test_a_clear_error(argv, says, course, capsys):
    try:
        code = commands.main(argv)
    except SystemExit as ended:
        code = ended.code
    assert code == 2 and says in capsys.readouterr().err
    assert not (course / "graded").exists() and not (course / "m.csv").exists()


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main([command, "--help"])
    assert ended.value.code == 0 and f"course {command}" in capsys.readouterr().out
    assert f"\n  {command} " in commands.USAGE


def test_a_notebook_that_nobody_has_graded_is_told(course, capsys):
    (course / "notebooks" / "92_more.ipynb").write_text(nbformat.writes(notebook()))
    save(course, {"anna": result()})
    assert commands.main(["marks", "92", "--csv", "m.csv"]) == 2
    assert commands.main(["feedback", "92"]) == 2
    assert (
        capsys.readouterr().err.count("92 is not in graded/gradebook.db: `course grade 92` comes first") == 2
    )
    gradebook.where(course / "graded", "anna", "91_toy").unlink()
    assert commands.main(["feedback", "91"]) == 2
    assert "91_toy.ipynb is gone: `course grade 91` makes it again" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------- open questions


def test_what_is_to_be_marked_is_printed_and_formgrader_starts(course, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(questions.environment, "replace", lambda command: ran.append(command) or 0)
    save(course, {"anna": result(), "ben": result(q_why=""), "cleo": result()})
    assert commands.main(["open-questions", "91", "--port", "9001", "--no-browser"]) == 0
    said = capsys.readouterr().out
    assert "[4 points] **Rubric.** (1) the gradient" in said and "2 answers wait for a mark" in said
    assert said.index("Why do we sample") < said.index("Rubric") and "BEGIN SOLUTION" not in said
    assert Path.cwd() == course / "graded"
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.port=9001", "--no-browser"} < set(ran[0])


def test_formgrader_is_not_started_for_nothing(course, capsys):
    assert commands.main(["open-questions", "91"]) == 2
    assert "`course grade NN` makes it" in capsys.readouterr().err
    nb = notebook()
    nb.cells = [c for c in nb.cells if c.id != "q_why"]
    (course / "notebooks" / "92_none.ipynb").write_text(nbformat.writes(nb))
    assert commands.main(["open-questions", "92"]) == 2
    assert "92_none has no open questions" in capsys.readouterr().err


@pytest.mark.slow
def test_a_person_marks_in_formgrader(course):
    """Its pages show the answers, its marks reach the gradebook, and it can't execute what was handed in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    save(course, {"anna": result(nb=handed_in(answer=EVIL)), "ben": result()})
    command = [*questions.command("91", "91_toy", port), "--no-browser", "--IdentityProvider.token=abc"]
    with open(course / "log", "w") as log:
        server = subprocess.Popen(command, cwd=course / "graded", stdout=log, stderr=log)

    def ask(place, data=None, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/formgrader/{place}", data, method=method)
        request.add_header("Authorization", "token abc")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    try:
        end = time.monotonic() + 90
        while True:
            try:
                assert "91_toy" in ask("gradebook/91/91_toy")
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end, (course / "log").read_text()
                time.sleep(0.3)
        anna = next(s for s in json.loads(ask("api/submitted_notebooks/91/91_toy")) if s["student"] == "anna")
        assert anna["needs_manual_grade"] and anna["max_score"] == 8 and anna["score"] == 4
        page = ask(f"submissions/{anna['id']}/")
        assert "alert(1)" in text(page) and not [t for t in Reader(page).tags if "onerror" in t[1]]
        given = json.loads(ask(f"api/grades?submission_id={anna['id']}"))
        why = next(g for g in given if g["name"] == "q_why") | {"manual_score": 3.5}
        ask(f"api/grade/{why['id']}", json.dumps(why).encode(), "PUT")
        answer = json.loads(ask("api/submission/91/ben/autograde", b"", "POST"))
        assert not answer["success"]
    finally:
        server.terminate()
        server.wait(20)
    assert grades(course / "graded")["q_why"] == (None, 3.5, False)
    assert grades(course / "graded", "ben")["test_kl"] == (2, None, False)
    assert gradebook.where(course / "graded", "ben", "91_toy").exists()

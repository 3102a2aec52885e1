"""`course grade`: whatever is handed in, the others get their marks; what was interrupted goes on."""

import functools
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from test_probes import KL, SAMPLE, sheet

from dlimlib.course.grading import grade, one, sandbox
from dlimlib.course.handout import commands

pytestmark = pytest.mark.slow
WITHOUT = sandbox.reason() is not None
ROOT = Path(__file__).parents[1]


@pytest.fixture
def course(tmp_path):
    """A notebook of the teacher's, and an empty folder for what is handed in."""
    path = tmp_path / "notebooks" / "91_toy.ipynb"
    path.parent.mkdir()
    path.write_text(nbformat.writes(sheet()))
    return path, tmp_path / "submitted", tmp_path / "graded"


def hand_in(folder, student, data, name="91_toy.ipynb"):
    here = folder / student / "91"
    here.mkdir(parents=True)
    (here / name).write_bytes(data if isinstance(data, bytes) else nbformat.writes(data).encode())


BATCH = {  # what is handed in, the points, a note
    "honest": (sheet(), 4, None),
    "half": (sheet(kl=KL.replace("0.5", "0.7")), 2, None),
    "untouched": (sheet(kl="raise NotImplementedError()", sample="raise NotImplementedError()"), 0, None),
    "torn": (b'{"cells": [', 0, "no JSON"),
    "tests gone": (nbformat.v4.new_notebook(cells=[sheet().cells[i] for i in (0, 2, 4)]), 4, "was put back"),
    "exit": (sheet(kl="import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos._exit(0)"), 2, None),
}


@pytest.mark.skipif(WITHOUT, reason=str(sandbox.reason()))
def test_everybody_gets_what_they_deserve(course):
    path, submitted, to = course
    for student, (data, _, _) in BATCH.items():
        hand_in(submitted, student, data)
    hand_in(submitted, "renamed", sheet(), name="My homework.ipynb")
    hand_in(submitted, "link", b"")
    (submitted / "link" / "91" / "91_toy.ipynb").unlink()
    (submitted / "link" / "91" / "91_toy.ipynb").symlink_to(path)
    book = to / "gradebook.db"
    book.parent.mkdir()
    book.write_text("marks")
    hand_in(submitted, "thief", sheet(kl=f"{KL}\nopen({str(book)!r}, 'w').write('mine')"))
    results = grade.grade(path, submitted, to, workers=2, seconds=3, in_all=40)
    assert book.read_text() == "marks", "nothing in a student's process reaches the gradebook"
    expected = BATCH | {"renamed": (None, 4, "My homework"), "link": (None, 0, "link")}
    expected |= {"thief": (None, 4, None)}
    assert results.keys() == expected.keys()
    for student, (_, points, note) in expected.items():
        marks = results[student]["marks"].values()
        assert sum(mark["points"] for mark in marks) == points, (student, results[student])
        assert any(note in said for said in results[student]["notes"]) if note else True, results[student]
        assert json.loads((to / "91" / f"{student}.json").read_text()) == results[student]
    assert grade.line("torn", results["torn"]).splitlines()[0].split() == ["0", "of", "4", "torn"]


def outcome(reference, late=False):
    verdicts = {name: [("probe", "stopped after 1 s" if late else None)] for name in reference["tests"]}
    return {"verdicts": verdicts, "late": late, "notes": [], "written": {}}


@pytest.fixture
def judged(monkeypatch):
    """The students in the order in which they are graded, without a process; `slow` is late at first."""
    order = []

    def grade_one(job, running):
        student = Path(job["path"]).parts[-3]
        order.append(student)
        return outcome(job["reference"], late=student == "slow" and order.count("slow") == 1)

    known = {"tests": {"test_kl": "", "test_sample": ""}, "problems": []}
    monkeypatch.setattr(grade, "grade_one", grade_one)
    monkeypatch.setattr(grade, "record", lambda nb, launch: known)
    return order


def test_what_is_done_is_kept_until_it_changes(course, judged):
    path, submitted, to = course
    for student in "abc":
        hand_in(submitted, student, sheet())
    first = grade.grade(path, submitted, to, unsafe=True)
    assert judged == ["a", "b", "c"] and list(first) == judged
    (to / "91" / "a.json").write_text("{")
    (submitted / "b" / "91" / "91_toy.ipynb").write_text("changed")
    assert grade.grade(path, submitted, to, unsafe=True).keys() == first.keys()
    assert judged[3:] == ["a", "b"]
    grade.grade(path, submitted, to, unsafe=True, anew=True)
    assert judged[5:] == ["a", "b", "c"]
    path.write_text(nbformat.writes(sheet(test_kl="probe('x', SEED / 7)")))
    grade.grade(path, submitted, to, unsafe=True)
    assert judged[8:] == ["a", "b", "c"], "another test, other marks"


def test_what_was_late_is_tried_once_more_after_the_others(course, judged):
    path, submitted, to = course
    for student in ("slow", "a", "z"):
        hand_in(submitted, student, sheet())
    results = grade.grade(path, submitted, to, unsafe=True)
    assert judged == ["a", "slow", "z", "slow"]
    assert all(mark["points"] == 2 for mark in results["slow"]["marks"].values())


@pytest.mark.parametrize("breaks", ["import sys; sys.exit(1)", "print('{')", "raise MemoryError"])
def test_a_judge_that_fails_costs_one_submission(monkeypatch, breaks):
    popen = subprocess.Popen
    monkeypatch.setattr(
        grade.subprocess, "Popen", lambda command, **how: popen([sys.executable, "-c", breaks], **how)
    )
    job = {"reference": {"tests": {"t": ""}}, "in_all": 1}
    found = grade.grade_one(job, set())
    assert found["late"] and "the judge failed" in found["verdicts"]["t"][0][1]


def test_late_is_what_a_busy_machine_may_have_done():
    assert grade.failed({"tests": {"a": ""}}, "x")["late"]
    for said in (
        "stopped after 3 s (an infinite loop?)",
        "not reached: stopped after 3 s",
        "the judge failed",
    ):
        assert one.late({"test": [("probe: x", said)]})
    assert not one.late({"test": [("probe", None), ("b", "not reached: ValueError: I stopped after 3 s")]})


def test_an_interruption_keeps_what_is_done(course, tmp_path):
    """After Ctrl-C nothing runs any more, and the same command goes on."""
    path, submitted, to = course
    hand_in(submitted, "a", sheet())
    hand_in(submitted, "b", sheet(kl="while 1: pass", sample=SAMPLE + "\n# SLOW-MARK"))
    command = [sys.executable, "-m", "dlimlib", "course", "grade", str(path), "--workers", "2"]
    command += ["--submitted", str(submitted), "--to", str(to), *["--unsafe"] * WITHOUT]
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs ignore it
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    end = time.monotonic() + 180
    while not (to / "91" / "a.json").exists() and time.monotonic() < end:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=90)
    assert running.returncode == 130 and "Stopped" in said
    assert [p.name for p in (to / "91").iterdir()] == ["a.json"]
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"grading.one" in read(p)]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_without_a_sandbox_it_refuses(course, monkeypatch, capsys):
    path, submitted, to = course
    hand_in(submitted, "a", sheet())
    monkeypatch.setattr(sandbox, "reason", lambda: "bubblewrap is not installed")
    command = ["grade", str(path), "--submitted", str(submitted), "--to", str(to)]
    assert commands.main(command) == 2 and not to.exists()
    said = capsys.readouterr().err
    assert "bubblewrap is not installed" in said and "--unsafe" in said


@pytest.mark.parametrize(
    "argv, says",
    [
        (["99"], "no notebook 99"),
        (["03", "--submitted", "/nowhere"], "nothing to grade in /nowhere/STUDENT/03/"),
        (["03", "--workers", "0"], "--workers must be at least 1, got 0"),
    ],
)
def test_a_clear_error(argv, says, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    try:
        code = commands.main(["grade", *argv, "--unsafe"])
    except SystemExit as ended:
        code = ended.code
    assert code == 2 and says in capsys.readouterr().err


def test_a_notebook_that_nobody_handed_in_stops_no_other(course, judged, capsys, monkeypatch):
    path, submitted, to = course
    nobody = path.with_name("90_nobody.ipynb")
    nobody.write_text(path.read_text())
    hand_in(submitted, "a", sheet())
    monkeypatch.setattr("nbgrader.api.get_alembic_version", lambda: "167914646830")  # it takes seconds
    folders = ["--submitted", str(submitted), "--to", str(to), "--unsafe"]
    assert commands.main(["grade", str(nobody), str(path), *folders]) == 2
    said = capsys.readouterr()
    assert "nothing to grade" in said.err and "4 of 4  a" in said.out
    assert (to / "gradebook.db").exists() and (to / "autograded" / "a" / "91" / "91_toy.ipynb").exists()


def test_a_notebook_with_problems_is_not_graded(course):
    path, submitted, to = course
    path.write_text(nbformat.writes(sheet(kl="1 / 0")))
    hand_in(submitted, "a", sheet())
    with pytest.raises(grade.Refused, match="(?s)has problems:.*ZeroDivisionError"):
        grade.grade(path, submitted, to, unsafe=True)


SHEET = nbformat.writes(sheet())


@pytest.mark.parametrize(
    "data, note",
    [
        (SHEET.encode("utf-8-sig"), "utf-8-sig"),
        (SHEET.encode("utf-16"), "utf-16"),
        (SHEET.replace("import numpy", "# \xe9\\nimport numpy").encode("latin-1"), "latin-1"),
    ],
)
def test_other_encodings_are_read(tmp_path, data, note):
    (tmp_path / "nb").write_bytes(data)
    nb, notes = one.opened(tmp_path / "nb")
    assert len(nb["cells"]) == len(sheet().cells) and note in notes[0]


@pytest.mark.parametrize(
    "data, note",
    [
        (SHEET[:900].encode(), "no JSON"),
        (b"", "empty"),
        (gzip.compress(SHEET.encode()), "no JSON"),
        (b"[" * 10**6, "no JSON"),
        (b'{"a": ' + b"9" * 10**5 + b"}", "no JSON"),
        (b"[1, 2]", "no notebook"),
        (b"[" + b"[]," * 999 + b"0]", "millions of values"),
        (b" " * (2 << 20), "larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_notebook_is_no_points(tmp_path, monkeypatch, data, note):
    monkeypatch.setattr(one, "MAX_FILE", (1 << 20) + 10**5)
    monkeypatch.setattr(one, "MAX_PARTS", 1000 if b"[]" in data else one.MAX_PARTS)
    (tmp_path / "nb").write_bytes(data)
    found = one.outcome({"path": str(tmp_path / "nb"), "reference": {"tests": {"t": ""}}})
    assert note in found["notes"][-1] and note in found["verdicts"]["t"][0][1] and not found["late"]


def test_no_pipe_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert one.opened(tmp_path / "pipe") == (None, ["it is no file"])
    assert one.opened(tmp_path / "gone") == (None, ["it is no file"])

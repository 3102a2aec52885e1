"""What comes after the grading: nothing of a person's work is lost, nothing of a student's does harm."""

import contextlib
import sqlite3

import nbformat
import pytest
from test_probes import KL, SAMPLE, cell, sheet

from dlimlib.course.grading import gradebook, written
from dlimlib.course.handout.release import Refused, student_edition

ASKED = "### Open question 1\nWhy do we sample eps and not z?"
RUBRIC = "### BEGIN SOLUTION\n**Rubric.** (1) the gradient flows through mu and sigma\n### END SOLUTION"
EVIL = (
    "<script>alert(1)</script>\n<img src=x onerror=alert(2)>\n"
    "[a](javascript:alert(3)) **b** $\\mu$ \udcff\x1b\u202e"
)


def question(name, text, points=4):
    new = nbformat.v4.new_markdown_cell(text, id=name)
    new.metadata["nbgrader"] = dict(
        schema_version=3, grade_id=name, grade=True, solution=True, locked=False, task=False, points=points
    )
    return new


def notebook():
    """A notebook of the teacher's: two pieces of 2 points and a question of 4."""
    nb = sheet()
    for name in ("kl", "sample"):
        piece = next(c for c in nb.cells if c.id == name)
        head, body = piece.source.split("\n", 1)
        piece.source = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    nb.cells.insert(0, nbformat.v4.new_markdown_cell("# A sheet\n## Losses", id="title"))
    nb.cells += [question("q_why", f"{ASKED}\n\n{RUBRIC}"), nbformat.v4.new_markdown_cell("## End", id="end")]
    return nb


def edition():
    return student_edition(notebook(), "91_toy.ipynb")


def handed_in(kl=KL, sample=SAMPLE, answer="Gradients must flow."):
    """The student edition with solutions and an answer in it."""
    nb = edition()
    for at in nb.cells:
        if at.id in ("kl", "sample"):
            at.source = {"kl": kl, "sample": sample}[at.id]
        if at.id == "q_why":
            at.source = at.source.replace("YOUR ANSWER HERE", answer)
    return nb


def result(kl=2, sample=2, nb=None, **written_too):
    """What grade() returns for a student."""
    text = written.written(written.sheet(edition()), handed_in() if nb is None else nb) | written_too
    marks = {
        f"test_{name}": {"points": points, "of": 2, "sentences": [] if points else ["probe: it is too large"]}
        for name, points in {"kl": kl, "sample": sample}.items()
    }
    return {"key": "", "marks": marks, "notes": [], "written": text}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The path of the teacher's notebook, and the folder of the gradebook."""
    monkeypatch.setattr("nbgrader.api.get_alembic_version", lambda: "167914646830")  # it takes seconds
    path = tmp_path / "notebooks" / "91_toy.ipynb"
    path.parent.mkdir()
    path.write_text(nbformat.writes(notebook()))
    return path, tmp_path / "graded"


def grades(folder, student="anna"):
    """Return {graded cell: (automatic, by hand, to be looked at)}."""
    with gradebook.opened(folder) as book:
        submission = book.find_submission_notebook("91_toy", "91", student)
        return {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in submission.grades}


def mark(folder, student, name, score, comment=None):
    """Give a mark as formgrader does."""
    with gradebook.opened(folder) as book:
        grade = book.find_grade(name, "91_toy", "91", student)
        grade.manual_score, grade.needs_manual_grade = score, False
        if comment:
            book.find_comment(name, "91_toy", "91", student).manual_comment = comment
        book.db.commit()


# ---------------------------------------------------------------------------------------- what was written


def read(nb):
    return written.written(written.sheet(edition()), nb)


def test_what_was_written_is_found_whatever_was_lost():
    right = {"kl": KL, "sample": SAMPLE, "q_why": "Gradients must flow."}
    assert read(handed_in()) == right
    for lost in ("metadata", "ids", "both"):
        nb = handed_in()
        for at in nb.cells:
            if lost != "ids":
                at.metadata = {}
            if lost != "metadata":
                at.id = f"new-{at.id}"
        found = read(nb)
        assert found["q_why"] == right["q_why"], lost
        assert found["kl"] == KL, lost
    assert read(edition())["q_why"] == "", "what was handed out is no answer"


def test_an_answer_may_stand_below_the_question():
    nb = handed_in(answer="")
    nb.cells.insert(-2, nbformat.v4.new_markdown_cell("Because of\n\nthe gradient."))
    at = [c.id for c in nb.cells].index("q_why")
    assert nb.cells[at + 1].id == "end"
    nb.cells.insert(at + 1, nbformat.v4.new_markdown_cell("First."))
    nb.cells.insert(at + 2, nbformat.v4.new_code_cell("1 + 1"))
    nb.cells.insert(at + 3, nbformat.v4.new_markdown_cell("Second."))
    assert read(nb)["q_why"] == "First.\n\nSecond."


@pytest.mark.parametrize("nb", [{}, {"cells": 3}, {"cells": [None, {"cell_type": [], "source": 3}]}])
def test_what_is_no_notebook_says_nothing(nb):
    assert read(nb) == {"kl": "", "sample": "", "q_why": ""}


def test_a_text_can_be_written_and_ends():
    text = written.harmless("\n a\udcff\x00\u202eb\u200c\r\nc\u2028d\n" + "x" * 30_000)
    assert text.startswith(" a?  b\u200c\nc\nd\nx") and text.endswith("x\n[cut: it goes on]")
    assert len(text.encode()) < 21_000


# ---------------------------------------------------------------------------------------- the gradebook


@pytest.mark.slow
def test_a_gradebook_needs_no_activated_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with gradebook.opened(tmp_path, new=True) as book:
        assert book.students == []


def test_a_gradebook_that_can_not_be_used_is_told_in_a_sentence(course, monkeypatch):
    path, folder = course
    monkeypatch.setattr(gradebook, "PATIENCE", 0.1)
    with pytest.raises(Refused, match=r"no .*gradebook.db yet: `course grade NN` makes it"):
        with gradebook.opened(folder):
            pass
    gradebook.save(path, {"anna": result()}, folder)
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Refused, match="can't be used .database is locked.: does another program hold it"):
            gradebook.save(path, {"anna": result(kl=0)}, folder)
    assert grades(folder)["test_kl"] == (2, None, False)
    (folder / "gradebook.db").write_text("this is no gradebook" * 100)
    with pytest.raises(Refused, match="file is not a database"):
        gradebook.save(path, {"anna": result()}, folder)


def test_marks_go_into_the_gradebook(course):
    path, folder = course
    unread = result(0, 0) | {"written": None}
    results = {"anna": result(), "ben": result(kl=0, q_why=""), "torn": result(0, 0) | {"written": {}}}
    gradebook.save(path, results | {"unread": unread}, folder)
    assert grades(folder) == {
        "test_kl": (2, None, False),
        "test_sample": (2, None, False),
        "q_why": (None, None, True),
    }
    assert grades(folder, "ben")["test_kl"] == (0, None, False)
    assert grades(folder, "ben")["q_why"] == grades(folder, "torn")["q_why"] == (0, None, False), "no answer"
    assert set(grades(folder, "unread").values()) == {(None, None, True)}, "a person must look"
    with gradebook.opened(folder) as book:
        assert book.find_assignment("91").max_score == 8
        assert book.find_submission("91", "anna").score == 4 and book.find_submission("91", "ben").score == 2


def test_what_a_person_gave_is_never_lost(course):
    path, folder = course
    gradebook.save(path, {"anna": result(kl=0), "ben": result()}, folder)
    mark(folder, "anna", "q_why", 3, "well seen")
    mark(folder, "anna", "test_kl", 1)
    gradebook.save(path, {"anna": result(kl=0), "ben": result()}, folder)
    assert grades(folder)["q_why"] == (None, 3, False), "nothing has changed, so nothing is to be done again"
    gradebook.save(path, {"anna": result(kl=2, q_why="Another answer.")}, folder)
    assert grades(folder) == {
        "test_kl": (2, 1, True),
        "test_sample": (2, None, False),
        "q_why": (None, 3, True),
    }
    with gradebook.opened(folder) as book:
        assert book.find_comment("q_why", "91_toy", "91", "anna").comment == "well seen"
        assert book.find_submission("91", "ben").score == 4


def test_a_mark_is_looked_at_again_after_an_interruption(course, monkeypatch):
    """The gradebook comes first: when the rest is lost, the next grading only asks once too often."""
    path, folder = course
    gradebook.save(path, {"anna": result()}, folder)
    mark(folder, "anna", "q_why", 3)
    put = gradebook.nbs.put
    monkeypatch.setattr(gradebook.nbs, "put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        gradebook.save(path, {"anna": result(q_why="Another answer."), "ben": result()}, folder)
    monkeypatch.setattr(gradebook.nbs, "put", put)
    gradebook.save(path, {"anna": result(q_why="Another answer."), "ben": result()}, folder)
    assert grades(folder)["q_why"] == (None, 3, True) and grades(folder, "ben")["q_why"] == (None, None, True)


def test_other_graded_cells_in_the_middle_of_a_term_are_refused(course):
    path, folder = course
    gradebook.save(path, {"anna": result()}, folder)
    nb = notebook()
    path.write_text(nbformat.writes(nb).replace('"points": 4', '"points": 6'))
    gradebook.save(path, {"anna": result()}, folder)
    with gradebook.opened(folder) as book:
        assert book.find_assignment("91").max_score == 10, "points may change"
    nb.cells.append(cell("probe('x', 1)", "test_new", test=True))
    path.write_text(nbformat.writes(nb))
    with pytest.raises(Refused, match="91_toy has other graded cells"):
        gradebook.save(path, {"anna": result()}, folder)
    assert grades(folder)["test_kl"] == (2, None, False)


def test_another_notebook_of_the_same_number_is_refused(course):
    path, folder = course
    gradebook.save(path, {"anna": result()}, folder)
    with pytest.raises(Refused, match="has marks for 91_toy, not 91_new: move it away"):
        gradebook.save(path.rename(path.with_name("91_new.ipynb")), {"anna": result()}, folder)
    assert grades(folder)["test_kl"] == (2, None, False)


def test_what_formgrader_shows_holds_no_html_of_a_students(course):
    path, folder = course
    nb = handed_in(answer=EVIL, kl=KL + "\n# </pre><script>alert(4)</script>")
    gradebook.save(path, {"anna": result(nb=nb)}, folder)
    cells = nbformat.read(gradebook.where(folder, "anna", "91_toy"), as_version=4).cells
    by_id = {c.id: c.source for c in cells}
    assert list(by_id) == ["heading-3", "kl", "test_kl", "sample", "test_sample", "q_why"]
    asked, _, answer = by_id["q_why"].partition("\n\n<pre")
    assert asked == ASKED and "**b**" in answer and "&lt;script&gt;" in answer and "$" not in answer
    assert answer.count("<") == 1 and "Rubric" not in str(cells) and "HIDDEN" not in str(cells)
    assert "normal(size" not in str(cells), "the hidden tests"

"""nbgrader's gradebook: what `grade` found goes in, and what a person has given there stays.

All that belongs to it lies in one folder, which nbgrader takes for its course: gradebook.db, and in
autograded/ what formgrader shows. What was handed in does not lie there, so that formgrader can't execute it.
"""

import contextlib
import copy
import hashlib
import html
import json
import os
import shutil
import sqlite3
import sys
import warnings
from pathlib import Path

import nbformat

from .. import notebook as nbs
from ..handout import texts
from ..handout.release import Refused, student_edition

FILE, SHOWN = "gradebook.db", "autograded"
PATIENCE = 5  # seconds for another program to let go of the gradebook
NOTHING, UNREAD = "[nothing]", "[what was handed in could not be read: please look at it yourself]"


@contextlib.contextmanager
def opened(folder, *, new=False):
    """Open the gradebook of a folder, and close it; Refused in a sentence where that can't be."""
    from nbgrader.api import Gradebook, InvalidEntry
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    file = folder / FILE
    if not new and not file.is_file():
        raise Refused(f"there is no {file} yet: `course grade NN` makes it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not shutil.which("alembic"):  # nbgrader calls it by name; it lies beside Python
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        with contextlib.closing(sqlite3.connect(file, timeout=PATIENCE)) as db:
            db.execute("BEGIN IMMEDIATE")  # what stands in the way is known before anything is written
        with warnings.catch_warnings(), Gradebook(url(folder)) as book:
            warnings.simplefilter("ignore", SAWarning)  # which nbgrader's own code calls forth
            yield book
    except (sqlite3.Error, SQLAlchemyError, InvalidEntry, UnicodeError) as error:
        said = str(getattr(error, "orig", error)).partition("\n")[0]
        raise Refused(f"{file} can't be used ({said}): does another program hold it?") from None


def url(folder):
    """Return the address of a folder's gradebook, as nbgrader wants it."""
    return f"sqlite:///{(folder / FILE).absolute()}"


def where(folder, student, name):
    """Return the path of the notebook that formgrader shows."""
    return folder / SHOWN / student / name[:2] / f"{name}.ipynb"


def seen(folder, student, name):
    """Return the notebook that formgrader shows; Refused where it is gone."""
    try:
        return nbs.read(where(folder, student, name))
    except FileNotFoundError as error:
        raise Refused(f"{error.filename} is gone: `course grade {name[:2]}` makes it again") from None


def saved(folder, number, book):
    """Return {student: nbgrader's submitted notebook} of the notebook with this number, in order, and
    its name; Refused where it has not been graded."""
    from nbgrader.api import MissingEntry

    try:
        notebook = book.find_assignment(number).notebooks[0]
    except (MissingEntry, IndexError):
        raise Refused(f"{number} is not in {folder / FILE}: `course grade {number}` comes first") from None
    return dict(sorted((sub.student.id, sub) for sub in notebook.submissions)), notebook.name


# ---------------------------------------------------------------------------------------- what is shown


def shown(edition, result):
    """Return the notebook for formgrader and feedback: of the student edition the graded cells, with what the
    student has written in them and what the judge has said of it."""
    cells, headings, heading = [], nbs.sections(edition), None
    written = result["written"]
    if result["notes"]:
        cells.append(nbformat.v4.new_markdown_cell(as_text("\n".join(result["notes"])), id="notes"))
    for index, cell in enumerate(copy.deepcopy(edition.cells)):
        if not (nbs.is_solution(cell) or nbs.is_test(cell) or nbs.is_question(cell)):
            continue
        name = cell.metadata.nbgrader.grade_id
        if nbs.is_solution(cell) and headings[index] != heading:
            heading = headings[index]
            cells.append(nbformat.v4.new_markdown_cell(f"## {heading}", id=f"heading-{index}"))
        cells.append(cell)
        cell.metadata = {"nbgrader": cell.metadata.nbgrader}
        text = UNREAD if written is None else written.get(name, "")
        if nbs.is_test(cell):
            said = result["marks"][name]["sentences"] or ["right"]
            cell.outputs = [nbformat.v4.new_output("stream", text="".join(f"{line}\n" for line in said))]
        elif nbs.is_question(cell):
            asked = cell.source.replace(texts.TEXT_STUB, "").strip()
            cell.source = f"{asked}\n\n{as_text(text or NOTHING)}"
        else:
            cell.source = text or NOTHING
    return nbformat.v4.new_notebook(cells=cells, metadata={"dlim": {"written": digest(result)}})


def as_text(text):
    """Return Markdown that shows a text as it is, whatever it holds."""
    return f'<pre style="white-space: pre-wrap">{html.escape(text).replace("$", "&#36;")}</pre>'


def digest(result):
    """Return the hash of what was written and what it got, by which one sees that it has changed."""
    points = {name: mark["points"] for name, mark in result["marks"].items()}
    return hashlib.sha256(json.dumps([result["written"], points], sort_keys=True).encode()).hexdigest()


# ---------------------------------------------------------------------------------------- what is kept


def save(path, results, folder):
    """Put the results of grade() for the notebook at `path` into the gradebook of a folder, and beside it
    what formgrader shows. A person's marks stay; where the work has changed they are to be looked at anew."""
    from nbgrader.preprocessors import SaveCells

    edition, name, number = student_edition(nbs.read(path), path.name), path.stem, path.stem[:2]
    with opened(folder, new=True) as book:
        known = [notebook.name for notebook in book.update_or_create_assignment(number).notebooks]
        if known not in ([], [name]):
            raise Refused(f"{folder / FILE} has marks for {known[0]}, not {name}: move it away to begin anew")
        about = {"notebook": name, "assignment": number, "db_url": url(folder)}
        try:
            SaveCells().preprocess(edition, {"nbgrader": about})
        except RuntimeError:  # in the middle of a term, with marks that belong to other cells
            raise Refused(
                f"{name} has other graded cells than in {folder / FILE}, where students have marks for them: "
                "move that file away to begin anew"
            ) from None
        for student, result in results.items():
            notebook, file = shown(edition, result), where(folder, student, name)
            book.update_or_create_student(student)
            book.update_or_create_submission(number, student)
            submission = book.find_submission_notebook(name, number, student)
            enter(submission, result, changed=_digest(file) != notebook.metadata["dlim"]["written"])
            book.db.commit()
            nbs.put(file, nbformat.writes(notebook).encode())


def enter(submission, result, *, changed):
    """Set the automatic scores of nbgrader's submitted notebook; none where nothing could be read."""
    written = result["written"]
    for grade in submission.grades:
        if written is None:
            grade.auto_score = None
        elif mark := result["marks"].get(grade.name):
            grade.auto_score = mark["points"]
        else:  # an open question: no answer is worth nothing, and a person decides on all else
            grade.auto_score = None if written.get(grade.name) else 0
        if grade.manual_score is None:
            grade.needs_manual_grade = grade.auto_score is None
        elif changed:
            grade.needs_manual_grade = True


def _digest(file):
    """Return what digest() was when the notebook in a file was shown, None where there is none."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))["metadata"]["dlim"]["written"]
    except (OSError, ValueError, KeyError):
        return None

"""The marks of a class as tables: one for the teacher, one that Moodle reads."""

import argparse
import csv
import io
import re
from pathlib import Path

from .. import notebook as nbs
from ..grading import gradebook
from ..handout.collect import listed, missing
from ..handout.release import Refused
from ..record import find

UNMARKED = "unmarked"  # what stands in the place of a mark that a person still has to give


def bare(student):
    """Return a student's name without Moodle's number."""
    return re.sub(r"_\d+$", "", student)


def people(batches):
    """Return {person: {number: student}} of {number: names of students}, in order. Moodle gives everybody
    another number in each assignment, so that names count without it, unless two share one."""
    names = [[bare(student) for student in students] for students in batches.values()]
    shared = {name for batch in names for name in batch if batch.count(name) > 1}
    found = {}
    for number, students in batches.items():
        for student in students:
            person = student if bare(student) in shared else bare(student)
            found.setdefault(person, {})[number] = student
    return dict(sorted(found.items()))


def marks(submission):
    """Return {graded cell: points, UNMARKED where a person still has to give them} of nbgrader's notebook."""
    return {
        grade.name: UNMARKED if grade.auto_score is None and grade.manual_score is None else grade.score
        for grade in submission.grades
    }


def total(row):
    """Return the sum of the marks that are there."""
    return sum(mark for mark in row.values() if mark != UNMARKED)


def read(paths, graded, *, every=False):
    """Return {number: ({graded cell: points in reach}, {student: marks})} of the notebooks at `paths`, all
    students of the gradebook, and sentences on what is to be looked at. With `every`, notebooks that nobody
    has graded are left out."""
    found, notes = {}, []
    with gradebook.opened(graded) as book:
        known = {assignment.name for assignment in book.assignments}
        students = [student.id for student in book.students]
        for path in paths:
            number = path.stem[:2]
            if every and number not in known:
                continue
            submissions, name = gradebook.saved(graded, number, book)
            cells = {cell.name: cell.max_score for cell in book.find_notebook(name, number).grade_cells}
            names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in nbs.read(path).cells]
            order = {name: place for place, name in enumerate(names)}
            cells = dict(sorted(cells.items(), key=lambda cell: order.get(cell[0], len(order))))
            rows = {student: marks(submission) for student, submission in submissions.items()}
            found[number] = cells, rows
            if later := sum(UNMARKED in row.values() for row in rows.values()):
                notes.append(
                    f"{number}: {later} of {len(rows)} have open questions that nobody has marked yet"
                )
            grades = [grade for submission in submissions.values() for grade in submission.grades]
            if again := sum(g.needs_manual_grade and g.manual_score is not None for g in grades):
                notes.append(f"{number}: marks by hand for work that has changed since: {again}")
    if not found:
        raise Refused(f"nothing is graded in {graded} yet: `course grade NN` comes first")
    return found, students, notes


def table(found, everybody=(), expected=()):
    """Return the rows of the teacher's table, the first one its head; who is missing has empty marks."""
    short = {n: {cell: cell.removeprefix("test_") for cell in cells} for n, (cells, _) in found.items()}
    several = len(found) > 1
    head = ["student"]
    for number, names in short.items():
        head += [f"{number} {name}" for name in names.values()] + [f"{number} total"] * several
    rows = [[*head, "total", "out of", UNMARKED]]
    out_of = sum(sum(cells.values()) for cells, _ in found.values())
    persons = people({number: list(batch) for number, (_, batch) in found.items()})
    for person, students in persons.items():
        row, whole, later = [person], [], []
        for number, (cells, batch) in found.items():
            given = batch.get(students.get(number), {})
            row += [given.get(cell, "") for cell in cells] + [total(given) if given else ""] * several
            whole += [total(given)] if given else []
            later += [f"{number} {short[number][cell]}" for cell in cells if given.get(cell) == UNMARKED]
        rows.append([*row, sum(whole), out_of, ", ".join(later)])
    width = len(rows[0])
    absent = sorted({bare(student) for student in everybody} - {bare(person) for person in persons})
    absent += missing(expected, [*persons, *absent])
    rows += [[name, *[""] * (width - 3), out_of, ""] for name in absent]
    return rows


def moodle(cells, batch):
    """Return the rows of Moodle's grading worksheet for one notebook, the first one its head, and the
    students without a number of Moodle's, who are not in it. A mark not whole is empty: Moodle skips it."""
    rows, others = [["Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)"]], []
    for student, row in batch.items():
        known = re.fullmatch(r"(.+)_(\d+)", student)
        if not known:
            others.append(student)
            continue
        mark = "" if UNMARKED in row.values() else total(row)
        rows.append([f"Participant {known[2]}", known[1].replace("-", " "), mark, sum(cells.values()), ""])
    return rows, others


def as_csv(rows):
    """Return rows as the bytes of a CSV file, in which no text begins as a formula does."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_shown(cell) for cell in row] for row in rows)
    return file.getvalue().encode(errors="replace")


def _shown(cell):
    if not isinstance(cell, str):
        return f"{cell:g}"
    cell = " ".join(cell.split())
    return f"'{cell}" if cell.startswith(tuple("=+-@")) else cell


def main(argv):
    """`python -m dlimlib course marks`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course marks",
        description="Write the marks of the gradebook into a table, a row for each student.",
    )
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="numbers such as 03 (default: all graded)")
    file = {"type": Path, "metavar": "FILE"}
    parser.add_argument("--csv", **file, help="the table: graded cells, open questions, total")
    parser.add_argument(
        "--moodle", **file, help="of one notebook, what Moodle (in English) takes as its grading worksheet"
    )
    graded = {"type": Path, "metavar": "FOLDER", "default": Path("graded")}
    parser.add_argument("--graded", **graded, help="of `course grade` (default: graded)")
    parser.add_argument("--students", **file, help="who should be in the table, as for `course collect`")
    options = parser.parse_args(argv)
    if not (options.csv or options.moodle):
        parser.error("say where to: --csv FILE or --moodle FILE")
    paths, every = find(options.notebooks or ["all"]), not options.notebooks
    found, students, notes = read(paths, options.graded, every=every)
    if options.moodle and len(found) > 1:
        raise Refused(f"Moodle takes one notebook at a time: course marks {min(found)} --moodle FILE")
    if options.csv:
        rows = table(found, students, listed(options.students) if options.students else ())
        nbs.put(options.csv, b"\xef\xbb\xbf" + as_csv(rows))  # the mark by which Excel knows UTF-8
        print(f"{options.csv}: {len(rows) - 1} students, {len(found)} notebooks")
    if options.moodle:
        rows, others = moodle(*next(iter(found.values())))
        nbs.put(options.moodle, as_csv(rows))
        print(f"{options.moodle}: {len(rows) - 1} students")
        notes += [f"without a number of Moodle's, so not in it: {', '.join(others)}"] if others else []
    for note in notes:
        print(f"  note: {note}")
    return 0

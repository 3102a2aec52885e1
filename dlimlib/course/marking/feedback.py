"""What students get back: a page each, made by nbgrader of what it shows to the teacher."""

import argparse
import re
from pathlib import Path

from tqdm import tqdm

from .. import notebook as nbs
from ..grading import gradebook
from ..handout import texts
from ..handout.release import each, zipped
from .marks import UNMARKED, marks


def exporter():
    """Return nbgrader's own exporter of feedback."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.converters import GenerateFeedback

    converter = GenerateFeedback()
    made = HTMLExporter(config=converter.config)
    for step in converter.preprocessors:
        made.register_preprocessor(step, enabled=True)
    return made


def folder_of(student):
    """Return the folder for a student's feedback: as Moodle reads it where Moodle's number is known."""
    moodle = re.fullmatch(r"(.+)_(\d+)", student)
    return f"{moodle[1].replace('_', '-')}_{moodle[2]}_assignsubmission_file_" if moodle else student


def feedback(number, graded, to):
    """Write to/NN/STUDENT/NN_name.html for all who are in the gradebook of the folder `graded`, and to/NN.zip
    with all of them. Returns {student: open questions that are not marked yet}; raises Refused."""
    made, pages, waiting = exporter(), {}, {}
    with gradebook.opened(graded) as book:
        submissions, name = gradebook.saved(graded, number, book)
        about = {"notebook": name, "assignment": number, "db_url": gradebook.url(graded)}
        for student, submission in tqdm(submissions.items(), "feedback", leave=False, disable=None):
            nb = gradebook.seen(graded, student, name)
            waiting[student] = [name for name, mark in marks(submission).items() if mark == UNMARKED]
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id") in waiting[student]:
                    cell.source += f"\n\n{texts.WAITING}"
            page, _ = made.from_notebook_node(nb, {"nbgrader": about | {"student": student}})
            pages[f"{folder_of(student)}/{name}.html"] = page.encode()
    for place, page in pages.items():
        nbs.put(to / number / place, page)
    nbs.put(to / f"{number}.zip", zipped(pages))
    return waiting


def main(argv):
    """`python -m dlimlib course feedback`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course feedback",
        description="Write a page for each student: their answers, what the tests said, marks and comments. "
        'Its zip is what Moodle takes under "Upload multiple feedback files in a zip".',
    )
    parser.add_argument("notebooks", nargs="+", metavar="NN", help="numbers such as 03, or all")
    where = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument(
        "--graded", **where, default=Path("graded"), help="of `course grade` (default: graded)"
    )
    parser.add_argument("--to", **where, default=Path("feedback"), help="default: feedback")
    options = parser.parse_args(argv)

    def pages(path):
        number = path.stem[:2]
        waiting = feedback(number, options.graded, options.to)
        said = f"feedback for {len(waiting)} students; {number}.zip beside it holds all"
        print(f"{options.to / number}: {said}")
        if later := sum(map(bool, waiting.values())):
            print(f"  note: {later} of them have open questions that nobody has marked yet")

    return each(options.notebooks, pages)

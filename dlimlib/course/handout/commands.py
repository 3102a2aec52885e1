"""`python -m dlimlib course …`: the teacher's commands."""

import sys

from ..grading import grade
from ..marking import feedback, marks, questions, similar
from . import collect, release

COMMANDS = {
    "release": release.main,
    "collect": collect.main,
    "grade": grade.main,
    "feedback": feedback.main,
    "marks": marks.main,
    "open-questions": questions.main,
    "similar": similar.main,
}
USAGE = """usage: python -m dlimlib course command ...

  release          write the student edition of notebooks: course release 03, course release all
  collect          sort what students handed in: course collect submissions.zip
  grade            run the tests of a notebook on what was collected: course grade 03
  open-questions   mark what a person has to read, in the browser: course open-questions 03
  feedback         write a page for each student: course feedback 03
  marks            write the marks of a class into a table: course marks --csv marks.csv
  similar          show answers that are too much alike: course similar 03

Each explains itself with --help."""


def main(argv):
    """Run one command; returns the exit code."""
    if argv[:1] in ([], ["-h"], ["--help"]):
        print(USAGE)
        return 0 if argv else 2
    if argv[0] not in COMMANDS:
        print(f"course {argv[0]}: the commands are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except (release.Refused, OSError) as error:
        print(error, file=sys.stderr)
        return 2

"""Open questions, which a person marks in nbgrader's formgrader: on this machine, in the browser."""

import argparse
import os
import re
import sys
from pathlib import Path

from ...install import environment
from .. import notebook as nbs
from ..grading import gradebook
from ..handout.release import Refused
from ..record import find
from .marks import UNMARKED, marks

RUBRIC = re.compile(r"(?s)\s*### BEGIN SOLUTION\n(.*?)### END SOLUTION")


def rubrics(path):
    """Return the open questions of the notebook at `path` as text, each with its points and its rubric."""
    said = []
    for cell in filter(nbs.is_question, nbs.read(path).cells):
        text = "\n".join(RUBRIC.findall(cell.source)).strip()
        asked = RUBRIC.sub("", cell.source).strip()
        said.append(f"{asked}\n\n[{cell.metadata.nbgrader.points:g} points] {text}")
    return said


def waiting(number, graded):
    """Return how many open questions of a notebook wait for a mark, and its name; raises Refused."""
    with gradebook.opened(graded) as book:
        submissions, name = gradebook.saved(graded, number, book)
        return sum([*marks(sub).values()].count(UNMARKED) for sub in submissions.values()), name


def command(number, name, port):
    """Return the command that serves formgrader in the gradebook's folder, to this machine alone."""
    given = {
        "ip": "127.0.0.1",
        "port": port,
        "root_dir": ".",
        "default_url": f"/formgrader/gradebook/{number}/{name}",
        "jpserver_extensions": "{'nbgrader.server_extensions.formgrader': True}",
        "allow_root": True,  # in a container one often is root, and Jupyter would refuse
        "log_level": "WARN",
    }
    return [sys.executable, "-m", "jupyter_server", *(f"--ServerApp.{k}={v}" for k, v in given.items())]


def main(argv):
    """`python -m dlimlib course open-questions`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course open-questions",
        description="Print the rubrics of a notebook, then open nbgrader's formgrader in the browser, where "
        "answers are marked and commented. Only this machine can reach it.",
    )
    parser.add_argument("notebook", metavar="NN", help="a number such as 03")
    graded = {"type": Path, "metavar": "FOLDER", "default": Path("graded")}
    parser.add_argument("--graded", **graded, help="of `course grade` (default: graded)")
    parser.add_argument("--port", type=int, default=8888, help="default: 8888, or the next that is free")
    parser.add_argument("--no-browser", action="store_true", help="only say the address")
    options = parser.parse_args(argv)
    path = find([options.notebook])[0]
    questions = rubrics(path)
    if not questions:
        raise Refused(f"{path.stem} has no open questions")
    later, name = waiting(path.stem[:2], options.graded)
    print(*questions, sep="\n\n")
    print(f"\n{later or 'no'} answers wait for a mark. Formgrader starts; Ctrl-C here ends it.", flush=True)
    os.chdir(options.graded)
    return environment.replace(
        [*command(path.stem[:2], name, options.port), *["--no-browser"] * options.no_browser]
    )

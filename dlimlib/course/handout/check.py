"""Check my work: a student's graded cells and visible tests, run once more in a process of their own."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from ..grading.judge import plain
from ..grading.process import Cell, launch, run_cells
from ..notebook import code, is_question, is_test, tags
from . import texts


class Outcome(NamedTuple):
    """What became of a test cell: `problem` is None, or a sentence."""

    name: str
    points: float
    problem: str | None


def check(nb: Any, *, seconds: float = 60, launch: Any = launch) -> list[Outcome]:
    """Run the light cells of a notebook; returns an Outcome for each test cell, in order."""
    light = [cell for _, cell in code(nb) if "heavy" not in tags(cell)]
    tests = [cell for cell in light if is_test(cell)]
    results = run_cells([Cell(cell.id, cell.source) for cell in light], 0, seconds, launch=launch)
    return [
        Outcome(_name(cell), cell.metadata.nbgrader.points, _problem(results.get(cell.id))) for cell in tests
    ]


def _name(cell):
    return cell.metadata.nbgrader.grade_id.removeprefix("test_")


def _problem(result):
    if result is None:
        return texts.NOT_RUN
    error = result["error"] or []
    if error and error[0] == "NotImplementedError":
        return texts.OPEN
    return plain(result["fatal"] or ": ".join(filter(None, error))) or None


def report(nb: Any, outcomes: list[Outcome]) -> str:
    """Return the outcomes as lines of text, with the points within reach."""
    width = max((len(outcome.name) for outcome in outcomes), default=0)
    lines = [
        f"{name:{width}}  {points:g} points  {texts.FAILED if problem else texts.PASSED}"
        + f": {problem}" * bool(problem)
        for name, points, problem in outcomes
    ]
    reached = sum(outcome.points for outcome in outcomes if not outcome.problem)
    points = sum(outcome.points for outcome in outcomes)
    by_hand = sum(cell.metadata.nbgrader.points for cell in nb.cells if is_question(cell))
    return "\n".join(
        [*lines, texts.SUM.format(reached=f"{reached:g}", points=f"{points:g}", open=f"{by_hand:g}")]
    )


def check_my_work(file: str) -> None:
    """Print how the notebook `file` of this folder stands; on Colab, the notebook that is open."""
    nb, saved = _opened(file)
    if nb is None:
        print(texts.NO_FILE.format(file=file, folder=Path.cwd()))
    elif not any(map(is_test, nb.cells)):
        print(texts.NO_TESTS.format(file=file))
    else:
        print(texts.SAVED.format(time=saved))
        print(report(nb, check(nb)))


def _opened(file):
    """Return the notebook and when it was saved, (None, None) where there is none."""
    path = Path(file)
    if path.is_file():
        stamp = time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))
        return nbformat.read(path, as_version=4), stamp
    try:
        from google.colab import _message  # on Colab the notebook is no file that the kernel could read
    except ImportError:
        return None, None
    answer = _message.blocking_request("get_ipynb", timeout_sec=30)
    return nbformat.from_dict(answer["ipynb"]), time.strftime("%H:%M:%S")

"""Check my work: a student's graded cells and visible tests, run once more in a process of their own."""

import json
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


def check(nb: Any, *, seconds: float = 60, in_all: float = 300, launch: Any = launch) -> list[Outcome]:
    """Run the light cells of a notebook, each and all together in so many seconds at most; returns an Outcome
    for each test cell, in order. Cells go by their position: on Colab they have no ids."""
    light = [(i, cell) for i, cell in code(nb) if "heavy" not in tags(cell)]
    results = run_cells([Cell(i, cell.source) for i, cell in light], 0, seconds, in_all, launch)
    return [Outcome(_name(cell), _points(cell), _problem(results[i])) for i, cell in light if is_test(cell)]


def _name(cell):
    return cell.metadata.nbgrader.get("grade_id", "").removeprefix("test_")


def _points(cell):
    return cell.metadata.nbgrader.get("points", 0)


def _problem(result):
    error = result["error"] or []
    if error == ["NotImplementedError", ""]:  # the stub's: PyTorch's own have a text
        return texts.OPEN
    return plain(result["fatal"] or ": ".join(filter(None, error))) or None


def report(nb: Any, outcomes: list[Outcome]) -> str:
    """Return the outcomes as lines of text, with the points within reach."""
    width = max((len(outcome.name) for outcome in outcomes), default=0)
    lines = [
        texts.PIECE.format(name=f"{name:{width}}", points=f"{points:g}")
        + (texts.FAILED.format(problem=problem) if problem else texts.PASSED)
        for name, points, problem in outcomes
    ]
    reached = sum(outcome.points for outcome in outcomes if not outcome.problem)
    points = sum(outcome.points for outcome in outcomes)
    by_hand = sum(_points(cell) for cell in nb.cells if is_question(cell))
    return "\n".join(
        [*lines, texts.SUM.format(reached=f"{reached:g}", points=f"{points:g}", open=f"{by_hand:g}")]
    )


def check_my_work(file: str) -> None:
    """Print how the notebook `file` of this folder stands; on Colab, the notebook that is open."""
    nb, saved = _on_colab() or _saved(Path(file))
    if nb is None:
        print(texts.NO_FILE.format(file=file, folder=Path.cwd()))
    elif not any(map(is_test, nb.cells)):
        print(texts.NO_TESTS.format(file=file))
    else:
        print(texts.SAVED.format(time=saved), flush=True)
        print(report(nb, check(nb)))


def _saved(path):
    """Return the notebook at path and when it was saved, (None, "") where there is none."""
    if not path.is_file():
        return None, ""
    return nbformat.read(path, as_version=4), time.strftime("%X", time.localtime(path.stat().st_mtime))


def _on_colab():
    """Return the notebook that is open on Colab, which is no file that the kernel could read, and the time;
    None elsewhere."""
    try:
        from google.colab import _message
    except ImportError:
        return None
    answer = _message.blocking_request("get_ipynb", timeout_sec=30)
    return answer and (nbformat.reads(json.dumps(answer["ipynb"]), as_version=4), time.strftime("%X"))

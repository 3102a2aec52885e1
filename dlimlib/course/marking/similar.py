"""Answers that are suspiciously alike: what two students share and hardly anybody else has written.

An answer is taken as its syntax tree, read from top to bottom without comments, docstrings, annotations and
the names that it gives itself; what counts are runs of LENGTH nodes. A run that the teacher's solution has as
well says nothing, and the more students have one the less it says.
"""

import argparse
import ast
import itertools
import json
import math
import shutil
import textwrap
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from .. import notebook as nbs
from ..grading.judge import plain
from ..handout.release import Refused, each, student_edition

LENGTH = 7  # nodes of a run
ALIKE = 0.5  # of all that is unusual in two answers: so much they share
RUNS = 20  # runs that nobody else has, or more that some have, or the answer is too short to say anything
CLASS = 4  # students, or nobody can say what is unusual


class Pair(NamedTuple):
    """Two students whose answers in a cell are alike: which share of all that is unusual, how many runs."""

    cell: str
    students: tuple
    share: float
    runs: float


# ---------------------------------------------------------------------------------------- what is compared


def runs(source):
    """Return the set of runs of an answer's syntax tree; the empty one where it is no Python."""
    try:
        tree = nbs.parse(source)
        own = {name for node in ast.walk(tree) for name in _given(node)}
        labels = list(_labels(tree, own))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {tuple(labels[i : i + LENGTH]) for i in range(len(labels) - LENGTH + 1)}


def _given(node):
    """Return the names that a node gives."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    names = getattr(node, "name", None), getattr(node, "arg", None)
    return [] if isinstance(node, ast.keyword) else [name for name in names if isinstance(name, str)]


def _labels(node, own):
    """Yield what each node below says of itself, from top to bottom."""
    yield _label(node, own)
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_told(field, child):
                yield from _labels(child, own)


def _label(node, own):
    kind = type(node).__name__
    if isinstance(node, ast.Name):
        return "name" if node.id in own else node.id
    if isinstance(node, ast.Constant):
        return "text" if isinstance(node.value, str) else repr(node.value)
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    return f"{node.arg}=" if isinstance(node, ast.keyword) else kind


def _is_told(field, node):
    """Whether a node says something to people only, as docstrings and annotations do, or nothing."""
    told = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return told or field in ("annotation", "returns", "ctx", "type_comment")


# ---------------------------------------------------------------------------------------- who is compared


def pairs(answers, known):
    """Return the Pairs among {student: {cell: text}}, the most alike first. What is in the texts `known`,
    {cell: [text, …]}, says nothing."""
    found = []
    for cell, texts in known.items():
        usual = set().union(*map(runs, texts))
        unusual = {student: runs(given.get(cell, "")) - usual for student, given in answers.items()}
        having = Counter(run for some in unusual.values() for run in some)
        weight = {run: rarity(count, len(answers)) for run, count in having.items()}
        for (a, in_a), (b, in_b) in itertools.combinations(sorted(unusual.items()), 2):
            shared, every = (sum(map(weight.get, some)) for some in (in_a & in_b, in_a | in_b))
            if shared >= max(RUNS, ALIKE * every):
                found.append(Pair(cell, (a, b), shared / every, shared))
    return sorted(found, key=lambda pair: (-pair.runs, pair))


def rarity(count, students):
    """Return the weight of what so many of all students have: 1 of what two have, 0 of what all have."""
    return (math.log(students / count) / math.log(students / 2)) ** 2


def similar(path, graded):
    """Return ({student: {cell: text}}, Pairs) of what `grade` has kept of the notebook at `path`; Refused
    where too few are graded."""
    answers = {}
    for file in sorted((graded / path.stem[:2]).glob("*.json")):
        answers[file.stem] = json.loads(file.read_text(encoding="utf-8")).get("written") or {}
    if len(answers) < CLASS:
        raise Refused(
            f"{len(answers)} students are graded in {graded / path.stem[:2]}; at least {CLASS} are needed to "
            "say what is unusual: `course grade` comes first"
        )
    nb = nbs.read(path)
    known = {}
    for cells in (nb.cells, student_edition(nb, path.name).cells):
        for cell in filter(nbs.is_solution, cells):
            known.setdefault(cell.metadata.nbgrader.grade_id, []).append(cell.source)
    return answers, pairs(answers, known)


def beside(left, right, width):
    """Return two texts side by side, as lines of so many characters at most."""
    half = (width - 3) // 2
    columns = []
    for text in (left, right):
        lines = (textwrap.wrap(line, half, drop_whitespace=False) or [""] for line in text.splitlines())
        columns.append(list(itertools.chain.from_iterable(lines)))
    rows = itertools.zip_longest(*columns, fillvalue="")
    return "\n".join(f"{a:{half}} | {b}".rstrip() for a, b in rows)


def main(argv):
    """`python -m dlimlib course similar`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course similar",
        description="Show pairs of answers that share what hardly anybody else has written. The number is "
        "the share of all that is unusual in both. It is a reason to look, and proves nothing.",
    )
    parser.add_argument("notebooks", nargs="+", metavar="NN", help="numbers such as 03, or all")
    graded = {"type": Path, "metavar": "FOLDER", "default": Path("graded")}
    parser.add_argument("--graded", **graded, help="of `course grade` (default: graded)")
    parser.add_argument("--most", type=int, default=20, metavar="N", help="show so many pairs (default: 20)")
    options = parser.parse_args(argv)
    width = shutil.get_terminal_size().columns

    def show(path):
        answers, found = similar(path, options.graded)
        for cell, (a, b), share, count in found[: options.most]:
            print(f"{share:.0%}  {cell}: {plain(a)} and {plain(b)}, {count:.0f} unusual pieces in common\n")
            print(beside(answers[a][cell], answers[b][cell], width), end="\n\n")
        left = f", of which {options.most} are shown" if len(found) > options.most else ""
        print(f"{path.stem}: {len(found)} pairs of answers are alike{left}, among {len(answers)} students")

    return each(options.notebooks, show)

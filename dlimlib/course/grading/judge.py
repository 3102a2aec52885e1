"""The judge of graded cells: it runs them in another process, which only reports values, and compares here.

record(nb) runs the teacher's notebook and returns the expected values; judge(reference, nb) says for each
test cell of a submission which of its probes differ. `launch` starts the process; a sandbox takes its place.
"""

import logging
import re
import secrets

from ..notebook import code, is_test, tags
from .process import MAX_VALUE, Cell, launch, run_cells
from .rebuild import outline, rebuild
from .values import compare, guessable, room

SEEDS = 3  # of which each submission gets one, so that what another one was told does not help it
LATE = r": (not reached: )?(stopped after|all cells together took longer|the judge failed)"
MAX_SENTENCE, MAX_PROBES = 600, 100  # characters, of a test cell

# ---------------------------------------------------------------------------------------- sentences


def plain(text):
    """Return the text of a submission as one harmless line: no control characters, no tags, not too long."""
    text = text[: 2 * MAX_SENTENCE].encode(errors="replace").decode()  # a lone surrogate can't be written
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"<(?=[a-zA-Z/!?])", "< ", text)[:MAX_SENTENCE]


def quotes(text, source):
    """Whether a text holds what only the hidden tests in source say, whatever stands between its letters."""
    hidden = re.compile(r"(?s)### BEGIN HIDDEN TESTS(.*?)### END HIDDEN TESTS")
    secret = _pieces("".join(hidden.findall(source))) - _pieces(hidden.sub("", source))
    return not _pieces(text).isdisjoint(secret)


def _pieces(text, length=24):
    text = "".join(filter(str.isalnum, text)).lower()
    return {text[i : i + length] for i in range(len(text) - length + 1)}


def verdicts(expected, result, source=""):
    """Return [(name, None or a sentence)] of a test cell: its probes must be the expected ones, in order."""
    names = [record["probe"] for record in expected]
    if result is None:
        return [(name, "the cell did not run") for name in names]
    got, end = result["records"], result["fatal"] or ": ".join(filter(None, result["error"] or []))
    forged = [record["probe"] for record in got] != names[: len(got)]
    found = []
    for i, record in enumerate(expected):
        if forged:
            problem = "unexpected values were reported"
        elif i >= len(got):
            problem = f"not reached: {end or 'nothing was reported'}"
        else:
            try:
                problem = compare(record["value"], got[i]["value"], record["rtol"], record["atol"])
            except Exception:  # whatever a forged message makes of it
                problem = "the value is unreadable"
        found.append((record["probe"], problem))
    if end:
        found.append(("the cell runs to its end", end))
    return [(name, problem and _told(problem, source)) for name, problem in found]


def _told(problem, source):
    problem = problem[: 2 * MAX_SENTENCE]  # before anything is made of it
    return "it quotes the hidden tests" if quotes(problem, source) else plain(problem)


def sentences(judgement):
    """Return all sentences of a judgement, each with the name of its probe; an empty list is full marks."""
    return [f"{name}: {problem}" for found in judgement.values() for name, problem in found if problem]


def late(judgement):
    """Whether a judgement may come of a busy machine: time that was over, or a judge that failed."""
    return any(re.search(LATE, sentence) for sentence in sentences(judgement))


# ---------------------------------------------------------------------------------------- the reference


def record(nb, seconds=60, launch=launch):
    """Run the teacher's notebook; returns the reference (plain JSON) for judge(): record anew for each round.

    Its "problems" are sentences: cells that fail, values that are not the same twice, and test cells without
    a probe whose value can't be guessed and changes with SEED.
    """
    light = [cell for _, cell in code(nb) if "heavy" not in tags(cell)]
    tests = {cell.id: cell.metadata.nbgrader.grade_id for cell in light if is_test(cell)}
    cells = [Cell(c.id, c.source, (MAX_VALUE,) * (c.id in tests) * MAX_PROBES) for c in light]
    seeds = [secrets.randbelow(2**31) for _ in range(SEEDS)]
    again, *runs = (run_cells(cells, seed, seconds, launch=launch) for seed in (seeds[0], *seeds))
    problems = []
    for key, result in runs[0].items():
        if end := result["fatal"] or result["error"] and ": ".join(result["error"]):
            problems.append(f"{key}: {end}")
    for key, name in tests.items():
        records = [run[key]["records"] for run in runs]
        twice = verdicts(records[0], again[key])
        problems += [f"{name}: {probe}: not the same twice ({why})" for probe, why in twice if why]
        if any([r["probe"] for r in other] != [r["probe"] for r in records[0]] for other in records):
            problems.append(f"{name}: other probes with another SEED")
        elif not records[0]:
            problems.append(f"{name}: there is no probe")
        elif not any(_moves(*values) for values in zip(*records, strict=True)):
            problems.append(f"{name}: every value could be guessed; probe numbers that depend on SEED")
    rounds = [
        {"seed": seed, "records": {name: run[key]["records"] for key, name in tests.items()}}
        for seed, run in zip(seeds, runs, strict=True)
    ]
    return {
        "rounds": rounds,
        "tests": {name: cell.source for cell in light if (name := tests.get(cell.id))},
        "outline": outline(nb),
        "problems": problems,
    }


def _moves(first, *others):
    """Whether a probe's value changes with SEED and, but for a seed by chance, can't be guessed."""
    tolerances = first["rtol"], first["atol"]
    if all(guessable(record["value"], *tolerances) for record in (first, *others)):
        return False
    return all(compare(first["value"], other["value"], *tolerances) for other in others)


# ---------------------------------------------------------------------------------------- a submission


def judge(reference, nb, seconds=20, in_all=120, launch=launch):
    """Run a submission; returns {grade_id of a test cell: [(name, None or what is wrong in a sentence)]}.

    What is executed is rebuilt from the reference, whatever the submission says. A cell has so many seconds,
    and the submission `in_all`. Whatever happens costs this submission alone.
    """
    chosen, tests = secrets.choice(reference["rounds"]), reference["tests"]
    expected = chosen["records"]
    try:
        cells, _ = executed(reference, expected, nb)
        results = run_cells(cells, chosen["seed"], seconds, in_all, launch)
        return {name: verdicts(expected[name], results.get(("test", name)), tests[name]) for name in tests}
    except Exception as error:
        logging.getLogger(__name__).exception("a submission could not be judged")
        problem = f"the judge failed, which says nothing of the solution ({type(error).__name__})"
        return {name: [(record["probe"], problem) for record in expected[name]] for name in tests}


def executed(reference, expected, nb):
    """Return the Cells to execute of a submission, whatever it holds, and sentences on what was mended."""
    rooms = {name: tuple(4096 + room(r["value"]) for r in records) for name, records in expected.items()}
    tests = {name: Cell(("test", name), text, rooms[name]) for name, text in reference["tests"].items()}
    return rebuild(reference["outline"], tests, nb)

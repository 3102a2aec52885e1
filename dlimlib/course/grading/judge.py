"""The judge of graded cells: it runs them in another process, which only reports values, and compares here.

record(nb) runs the teacher's notebook and returns the expected values; judge(reference, nb) says for each
test cell of a submission which of its probes differ. `launch` starts the process; a sandbox takes its place.
"""

import base64
import secrets

import numpy as np

from ..notebook import code, is_test, tags
from .process import launch, run_cells

DTYPES = "float16 float32 float64 complex64 complex128 bool int8 int16 int32 int64 uint8".split()


# ---------------------------------------------------------------------------------------- comparing


def compare(expected, got, rtol, atol):
    """Return None or, as a sentence, how `got` (which may be anything) differs from `expected`."""
    kind = expected["kind"]
    if got.get("kind") != kind:
        return f"expected {_article(kind)}, got {_article(str(got.get('kind'))[:60])}"
    if kind in ("list", "dict"):
        return _compare_items(expected, got, rtol, atol)
    for what in ("dtype", "shape"):
        if got.get(what) != expected.get(what):
            return f"expected {what} {expected[what]}, got {str(got.get(what))[:60]}"
    if kind in ("NoneType", "str"):
        same = got["value"] == expected["value"]
        return None if same else f"expected {expected['value']!r}, got {str(got['value'])[:200]!r}"
    if "data" in got and got["data"] is None:
        return "the value is too large"
    a, b = numbers(expected), numbers(got)
    if a.shape != b.shape:
        return "the value is unreadable"
    if np.allclose(b, a, rtol, atol):
        return None
    if not np.isfinite(b).all():
        return "the value holds NaN or infinity"
    worst = np.unravel_index(np.argmax(np.abs(a.astype(complex) - b)), a.shape)
    where = f" at {[int(i) for i in worst]}" if worst else ""
    return f"expected {a[worst]:.5g}, got {b[worst]:.5g}{where}"


def _article(kind):
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def _compare_items(expected, got, rtol, atol):
    if got.get("keys") != expected.get("keys") or len(got["items"]) != len(expected["items"]):
        return f"expected {len(expected['items'])} items {expected.get('keys', '')}".rstrip()
    for i, (a, b) in enumerate(zip(expected["items"], got["items"], strict=True)):
        if problem := compare(a, b, rtol, atol):
            return f"item {expected['keys'][i] if 'keys' in expected else i}: {problem}"
    return None


def numbers(value):
    """Return the array that a packed number, tensor or array holds."""
    if value["kind"] not in ("tensor", "array"):
        return np.array(value["value"], dtype=float)
    dtype = "float32" if value["dtype"] == "bfloat16" else value["dtype"]
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype}")
    return np.frombuffer(base64.b64decode(value["data"]), dtype).reshape(value["shape"])


def guessable(value, rtol, atol):
    """Whether one could guess a value from its kind: booleans, whole numbers, zeros, short decimals."""
    if value["kind"] in ("list", "dict"):
        return all(guessable(item, rtol, atol) for item in value["items"])
    if value["kind"] not in ("tensor", "array", "float") or value.get("data", "") is None:
        return True
    a = numbers(value)
    if a.size == 0 or not np.isfinite(a).all():
        return True
    few = a.size < 32 or (a == a.flat[0]).all()
    return bool(few and np.allclose(np.round(a, 1), a, rtol, atol))


def verdicts(expected, result):
    """Return [(name, None or a sentence)] of a test cell: its probes must be the expected ones, in order."""
    names = [record["probe"] for record in expected]
    if result is None:
        return [(name, "the cell did not run") for name in names]
    got, end = result["records"], result["fatal"] or (": ".join(filter(None, result["error"] or [])) or None)
    found = []
    forged = [record["probe"] for record in got] != names[: len(got)]
    for i, record in enumerate(expected):
        if forged:
            found.append((record["probe"], "unexpected values were reported"))
            continue
        if i >= len(got):
            found.append((record["probe"], f"not reached: {end or 'nothing was reported'}"))
            continue
        try:
            problem = compare(record["value"], got[i]["value"], record["rtol"], record["atol"])
        except Exception:  # whatever a forged message makes of it
            problem = "the value is unreadable"
        found.append((record["probe"], problem))
    return [*found, ("the cell runs to its end", end)] if end else found


# ---------------------------------------------------------------------------------------- both sides


def record(nb, seconds=60, launch=launch):
    """Run the teacher's notebook; returns the reference (plain JSON) for judge().

    Its "problems" are sentences: cells that fail, values that are not the same twice, and test cells without
    a probe whose value can't be guessed and changes with SEED.
    """
    cells = [(cell.id, cell.source) for _, cell in code(nb) if "heavy" not in tags(cell)]
    tests = {cell.metadata.nbgrader.grade_id: cell for _, cell in code(nb) if is_test(cell)}
    seed, other = secrets.randbelow(2**31), secrets.randbelow(2**31)
    one, two, three = (run_cells(cells, s, seconds, launch) for s in (seed, seed, other))
    problems, expected = [], {}
    for key, result in one.items():
        if end := result["fatal"] or result["error"] and ": ".join(result["error"]):
            problems.append(f"{key}: {end}")
    for name, cell in tests.items():
        if cell.id not in one:
            problems.append(f"{name}: the cell did not run")
            continue
        records = one[cell.id]["records"]
        expected[name] = {"source": cell.source, "records": records}
        again = verdicts(records, two.get(cell.id))
        problems += [f"{name}: {probe}: not the same twice ({why})" for probe, why in again if why]
        moved = [why for _, why in verdicts(records, three.get(cell.id))]
        rounds = records, three.get(cell.id, {"records": []})["records"]  # one may be round by chance
        safe = [
            why and any(not guessable(r["value"], r["rtol"], r["atol"]) for r in pair)
            for why, *pair in zip(moved, *rounds, strict=False)
        ]
        if not records:
            problems.append(f"{name}: there is no probe")
        elif not any(safe):
            problems.append(f"{name}: every value could be guessed; probe numbers that depend on SEED")
    heavy = [cell.id for _, cell in code(nb) if "heavy" in tags(cell)]
    return {"seed": seed, "heavy": heavy, "tests": expected, "problems": problems}


def judge(reference, nb, seconds=20, launch=launch):
    """Run a submission; returns {grade_id of a test cell: [(name, None or what is wrong in a sentence)]}.

    Test cells and what is skipped come from the reference, whatever the submission says.
    """
    cells, tests = [], reference["tests"]
    for _, cell in code(nb):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in tests:
            cells.append((("test", name), tests[name]["source"]))
        elif cell.id not in reference["heavy"]:
            cells.append((cell.id, cell.source))
    results = run_cells(cells, reference["seed"], seconds, launch)
    return {name: verdicts(test["records"], results.get(("test", name))) for name, test in tests.items()}


def sentences(judgement):
    """Return all sentences of a judgement, each with the name of its probe; an empty list is full marks."""
    return [f"{name}: {problem}" for found in judgement.values() for name, problem in found if problem]

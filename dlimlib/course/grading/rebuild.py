"""What is executed of a submission: the teacher's notebook with the student's solutions and own cells in it.

So a deleted or emptied test cell comes back, and what a student changed in the given cells does no harm.
"""

import hashlib

from ..notebook import is_solution, is_test, tags
from .process import Cell

MAX_CELLS = 1000  # of a submission
STUB = "raise NotImplementedError()"  # which a student edition has in the place of a solution


def outline(nb):
    """Return the code cells of the teacher's notebook, in order, as plain JSON: role ("heavy", "given",
    "solution" or "test"), name, and marks; source where it is executed as it stands."""
    return [_outlined(cell) for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def _outlined(cell):
    role = "heavy" if "heavy" in tags(cell) else "solution" if is_solution(cell) else "given"
    role = "test" if is_test(cell) and role == "given" else role
    name = _grade_id(cell.metadata) or cell.id
    found = {"role": role, "name": name, "marks": marks(cell.metadata, cell.id, cell.source)}
    return found | ({"source": cell.source} if role == "given" else {})


def marks(meta, id, source):
    """Return what a cell is known by, the surest first, since each may be lost: grade_id, source, id."""
    text = "\n".join(line.rstrip() for line in source.strip().splitlines())
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    return [mark for mark in (_grade_id(meta), digest if text else "", _as(str, id)) if mark]


def _grade_id(meta):
    return _as(str, _as(dict, meta.get("nbgrader")).get("grade_id"))


def read_cells(nb):
    """Return [(kind, metadata, id, source)] of a notebook that may hold anything in any place."""
    found = []
    for cell in _as(list, _as(dict, nb).get("cells"))[:MAX_CELLS]:
        cell = _as(dict, cell)
        source = cell.get("source")
        source = "".join(_as(str, line) for line in source) if isinstance(source, list) else _as(str, source)
        found.append((cell.get("cell_type"), _as(dict, cell.get("metadata")), cell.get("id"), source))
    return found


def rebuild(outline, tests, nb):
    """Return (the Cells to execute of a submission, sentences on what was mended).

    Tests are {name: Cell}, and always executed. A given cell that was changed runs before the teacher's; of a
    graded cell that is there more than once the solved ones run.
    """
    known = {mark: i for i, cell in enumerate(outline) for mark in cell["marks"]}
    solutions = {i: [] for i, cell in enumerate(outline) if cell["role"] == "solution"}
    before, after = ([[] for _ in range(len(outline) + 1)] for _ in "ab")
    place, gone = -1, set(range(len(outline)))  # place -1 is the last list of `after`: the top
    for number, (kind, meta, id, source) in enumerate(read_cells(nb)):
        if kind != "code":
            continue
        at = next((known[mark] for mark in marks(meta, id, source) if mark in known), None)
        own = Cell(number, source, own=True)
        if at is None:
            if source.strip() and "heavy" not in _as(list, meta.get("tags")):
                after[place].append(own)
            continue
        place, cell = at, outline[at]
        gone.discard(at)
        if cell["role"] == "solution":
            solutions[at].append(Cell(number, source))
        elif cell["role"] == "given" and marks({}, None, source)[:1] != marks({}, None, cell["source"])[:1]:
            before[at].append(own)
    cells, notes = after[-1], []
    for i, cell in enumerate(outline):
        if cell["role"] == "solution":
            found, said = solved(solutions[i], cell["name"])
            cells += found
            notes += said
        elif cell["role"] == "test":
            cells.append(tests[cell["name"]])
            notes += [f"{cell['name']} is missing: it was put back"] if i in gone else []
        elif cell["role"] == "given":
            cells += [*before[i], Cell(f"given {i}", cell["source"])]
        cells += after[i]
    return cells, notes


def solved(found, name):
    """Return (those of the Cells with the same name that hold a solution, sentences on what was mended)."""
    written = [cell for cell in found if cell.source.strip()]
    if not written:
        return [], [f"{name} is {'empty' if found else 'missing'}"]
    if len(written) == 1:
        return written, []
    solved = [cell for cell in written if STUB not in cell.source] or written[:1]
    return solved, [f"{name} is there {len(written)} times: {len(solved)} of them hold a solution"]


def _as(kind, value):
    """Return the value if it is of this kind, else an empty one."""
    return value if isinstance(value, kind) else kind()

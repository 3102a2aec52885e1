"""What a student has written in the cells that are graded, as text that does no harm where it is shown."""

from .. import notebook as nbs
from ..handout import texts
from .process import Cell
from .rebuild import marks, read_cells, solved

MAX_TEXT = 20_000  # characters of an answer
CUT = "\n[cut: it goes on]"
KEPT = "\n\t\u200c\u200d"  # of what prints nothing: the last two join and part letters of some scripts


def sheet(edition):
    """Return the cells of a student edition, in order, as plain JSON: role ("solution", "question" or
    "given"), name, the lines that were handed out, and marks, among them the first line of what is graded."""
    return [_cell(cell) for cell in edition.cells if cell.source.strip()]


def _cell(cell):
    role = "solution" if nbs.is_solution(cell) else "question" if nbs.is_question(cell) else "given"
    lines = [line.strip() for line in cell.source.splitlines()]
    known = marks(cell.metadata, cell.id, cell.source) + lines[:1] * (role != "given")
    name = cell.id if role == "given" else cell.metadata.nbgrader.grade_id
    return {"role": role, "name": name, "lines": lines, "marks": known}


def written(sheet, nb):
    """Return {name: text} of the solutions and answers in a submission, which may hold anything; "" where
    there is none. What stands in new text cells below a question is a part of the answer."""
    known = {mark: cell for cell in sheet for mark in cell["marks"]}
    found = {cell["name"]: [] for cell in sheet if cell["role"] != "given"}
    question = None
    for kind, meta, id, source in read_cells(nb):
        signs = [*marks(meta, id, source), source.strip().partition("\n")[0].strip()]
        cell = next((known[sign] for sign in signs if sign in known), None)
        if cell is not None:
            question = cell if cell["role"] == "question" else None
            if cell["role"] == "solution" and kind == "code":
                found[cell["name"]].append(source)
        if question and (cell or kind != "code"):
            found[question["name"]].append(_without(source, [*question["lines"], texts.TEXT_STUB]))
    for name in (cell["name"] for cell in sheet if cell["role"] == "solution"):
        found[name] = [cell.source for cell in solved([Cell(None, text) for text in found[name]], name)[0]]
    return {name: harmless("\n\n".join(filter(None, parts))) for name, parts in found.items()}


def _without(source, lines):
    """Return the text without lines that were handed out."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in {*lines} - {""}).strip()


def harmless(text):
    """Return a text of several lines without what could not be written, seen or ended: lone surrogates,
    control characters, those that turn the direction, and what is too long."""
    cut = CUT if len(text) > MAX_TEXT else ""
    text = "\n".join(text[:MAX_TEXT].encode(errors="replace").decode().splitlines()).strip("\n")
    return "".join(c if c.isprintable() or c in KEPT else " " for c in text) + cut

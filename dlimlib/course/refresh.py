"""What a refresh executes: everything but the cells that show a training which is neither kept nor stored."""

import ast

from . import dependence
from .dependence.known import RANDOM
from .dependence.names import free


def plan(book, kept, stored):
    """Return {index of a cell that keeps its outputs: what of it is executed all the same, as code}.

    book: the dependence.Notebook; kept: keys of whole trainings; stored(name): whether weights are stored.
    A training that is missing spoils the names it binds or changes, and whatever is made of them, until
    stored weights are loaded into them. What those weights are loaded into is still built: its Run is there,
    but yields no batches.
    """
    missing = _missing(book, kept)
    spoilt, needed, late = {}, set(), {}  # statement -> its units; statements; name -> what it reads later
    names, by_statement = set(), {}
    for number, unit in enumerate(book.units):
        by_statement.setdefault((unit.index, unit.top), []).append(number)
    for place, node in book.statements.items():
        numbers = by_statement.get(place, [])
        units = [book.units[n] for n in numbers]
        reads = _with_late(free(node).union(*(unit.spoils for unit in units)), late)
        loads = {k: filled for u in units for k, filled in u.loads.items() if stored(k)}
        late |= {name: unit.late for unit in units for name in unit.binds}
        filled = set().union(*loads.values())
        if place not in missing and loads and not (reads & names) - filled:
            if reads & names:
                needed |= {(book.units[n].index, book.units[n].top) for n in book.behind(numbers)}
            names -= filled
        elif place in missing or reads & names:
            spoilt[place] = units
            names |= {name for unit in units for name in [*unit.binds, *unit.spoils]} - {RANDOM}
        else:
            names -= {name for unit in units for name, sure in unit.binds.items() if sure and not unit.guards}
    cells = {index for index, _ in spoilt}
    instead, wanted = {index: [] for index in sorted(cells)}, set()
    for place, node in reversed(book.statements.items()):  # of a cell that is left out, only what others read
        units = [book.units[n] for n in by_statement.get(place, [])]
        makes = set().union(*({*unit.binds, *unit.spoils} for unit in units))
        run = place in needed or place not in spoilt and makes & wanted
        if place[0] in cells and run:
            instead[place[0]].insert(0, ast.unparse(node))
        if place[0] not in cells or run:
            wanted |= free(node).union(*(unit.reads | unit.late for unit in units))
    return {index: "\n".join(parts) for index, parts in instead.items()}


def _missing(book, kept):
    """Statements with a training that is not kept."""
    return {
        (index, top)
        for (index, top, _), numbers in book.trainings().items()
        if dependence.key(book.parts(numbers)) not in kept
    }


def _with_late(names, late):
    """The names with those that their functions read when they are called."""
    found, new = set(), set(names)
    while new:
        found |= new
        new = set().union(*(late.get(name, set()) for name in new)) - found
    return found

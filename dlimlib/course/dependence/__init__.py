"""A training is known by what it depends on: the statements of a notebook behind a Run, and its key.

The unit is the statement, not the cell, so that what a cell draws below its training is left out. Whatever
can't be told from the syntax (`exec`, a star import, most magics) belongs to everything below it.
"""

import ast
import builtins
import hashlib
import json
from bisect import bisect_left, bisect_right
from copy import deepcopy
from dataclasses import dataclass, field

from ... import pretrained
from .. import notebook as nbs
from . import library, statements
from .effects import Effects
from .known import RANDOM
from .meaning import Meaning
from .names import FUNCTIONS, dotted, free, is_run, late, looped_over, outer, stored_names

BUILTINS = frozenset({*dir(builtins), "display", "get_ipython"})


@dataclass
class Unit:
    """A statement, or the head of a branch or loop whose statements follow as units of their own."""

    cell: str  # the id
    index: int  # of the cell in the notebook
    top: int  # which statement of the cell it is part of
    node: ast.AST
    lines: range
    guards: tuple = ()  # (number of the head, which branch) of each branch or loop around it
    loop: int | None = None  # number of the outermost loop around it
    last: int = 0  # number of the last unit of that loop
    binds: dict = field(default_factory=dict)  # name -> whether nothing of an earlier value is left for sure
    reads: set = field(default_factory=set)
    late: set = field(default_factory=set)  # of a def or class: what it reads when it is used
    mutates: set = field(default_factory=set)
    spoils: set = field(default_factory=set)  # those of them that do not merely pass through a network
    loads: dict = field(default_factory=dict)  # of pretrained.load: name of the weights -> what they fill
    opens: bool = False  # makes a Run that another unit loops over
    plays: set = field(default_factory=set)  # what it hands to functions of the notebook that loop over it
    trains: bool = False
    opaque: bool = False

    @property
    def text(self):
        """The syntax without positions, and where in its branches it stands."""
        branches = [branch for _, branch in self.guards]
        return json.dumps([branches, nbs.plain(self.node)])


class Notebook:
    """The statements of a notebook under a profile, and what each of them depends on."""

    def __init__(self, nb, profile, name=""):
        self.name, self.statements = name, {}  # (index of the cell, which of its statements) -> as written
        self.meaning, self.profile, self.units = Meaning(BUILTINS), profile, []
        self._links, self._frozen, self._training, self._looping = {}, set(), {}, {}
        for index, cell in nbs.code(nb):
            if cell.get("id") != "bootstrap":
                for top, node in enumerate(nbs.parse(cell.source).body):
                    self.statements[index, top] = deepcopy(node)
                    self._add(node, cell.get("id"), index, top)
        for number, unit in enumerate(self.units):
            same = (n for n in range(len(self.units) - 1, number, -1) if self.units[n].loop == unit.loop)
            unit.last = next(same, number) if unit.loop is not None else number

        self._touching = {}  # name -> numbers of the units that bind or change it
        for number, unit in enumerate(self.units):
            for name in {*unit.binds, *unit.mutates} | ({None} if unit.opaque else set()):
                self._touching.setdefault(name, []).append(number)

    # ------------------------------------------------------------------------------------ reading cells

    def _add(self, node, cell, index, top, guards=(), loop=None):
        """Add the units of a statement; branches and loops are taken apart unless they loop over a Run."""
        lines = range(node.lineno, node.end_lineno + 1)
        node = statements.Plain(self.meaning, self.profile, self._training).visit(node)
        for part in statements.split(node) if node else ():
            number, heads = len(self.units), statements.head(part)
            if heads is None or self._loops_over_run(part):
                self._unit(part, Unit(cell, index, top, part, lines, guards, loop))
                continue
            head, branches = heads
            self._unit(head, Unit(cell, index, top, head, lines, guards, loop))
            repeats = isinstance(part, ast.For | ast.AsyncFor | ast.While)
            inner = number if repeats and loop is None else loop
            for branch, inside in enumerate(branches):
                soft = isinstance(part, ast.With | ast.AsyncWith)  # its body is executed in any case
                around = guards if soft else (*guards, (number, branch))
                for child in inside:
                    self._add(child, cell, index, top, around, inner)

    def _unit(self, node, unit):
        """Work out what a unit does, given the units above it."""
        self.units.append(unit)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, *FUNCTIONS)):
            self.meaning.define(node)
        definition = isinstance(node, (*FUNCTIONS, ast.ClassDef))
        lambdas = [node] if definition else [n for n in ast.walk(node) if isinstance(n, ast.Lambda)]
        unit.late = set().union(*map(late, lambdas))
        unit.reads = set().union(*map(free, outer(node))) if definition else free(node)
        effects = Effects(self.meaning, self._links).run([node])
        unit.binds = dict.fromkeys(stored_names(node), not isinstance(node, ast.For | ast.AsyncFor))
        if not definition and not isinstance(node, ast.Import | ast.ImportFrom):
            for name in unit.binds:
                self.meaning.defined.pop(name, None)
                self.meaning.modules.pop(name, None)
        self._happen(unit, effects.events)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            unit.mutates |= unit.binds.keys()
            unit.binds.clear()
        for name in unit.binds:
            self._frozen.discard(name)
            for other, roots in self._links.items():
                if other not in unit.binds:
                    roots.discard(name)  # they hold what the name meant before
            self.meaning.plain.discard(name)
        if isinstance(node, ast.Assign):
            if effects.is_frozen(node.value):
                self._frozen |= unit.binds.keys()
            if self.meaning.is_plain(node.value) and not unit.guards:
                self.meaning.plain |= unit.binds.keys()
        unit.reads -= BUILTINS - unit.binds.keys()
        self._trainings(unit, node, definition)

    def _happen(self, unit, events):
        """Turn the events of a unit into what it changes; a network in evaluation mode stays as it is."""
        seeded, branch = False, any(isinstance(self.units[n].node, ast.Assert) for n, _ in unit.guards)
        for kind, name in events:
            may_change = self.meaning.kind(name) == "object"
            if kind == "opaque":
                unit.opaque = True
            elif kind == "seed":
                unit.binds[RANDOM] = seeded = True
            elif kind == "draw" or kind == "call" and may_change and self.meaning.drawing:
                if not seeded:
                    unit.reads.add(RANDOM)
                    unit.mutates.add(RANDOM)
            if kind in ("mutate", "call", "eval", "train") and may_change:
                if kind == "call" and name in self._frozen:
                    continue
                group = {name} | self._links.get(name, set())
                unit.mutates |= {n for n in group if self.meaning.kind(n) == "object"}
                unit.spoils |= unit.mutates if kind != "call" else set()
                if kind == "eval" and not branch:
                    self._frozen |= group
                elif kind == "train":
                    self._frozen -= group

    def _trainings(self, unit, node, definition):
        """Note whether a unit trains, opens a Run for another one, or loads weights."""
        modules, calls = self.meaning.modules, [c for c in ast.walk(node) if isinstance(c, ast.Call)]
        runs = [c for c in calls if is_run(c, modules)]
        known = {name for name in unit.reads | unit.late if self._training.get(name)}
        if definition:
            loops = any(isinstance(n, ast.For | ast.AsyncFor) for n in ast.walk(node))
            self._training[node.name] = bool(runs or known) and ("whole" if loops or not runs else "opens")
            self._looping[node.name] = looped_over(node)
            return
        for name in unit.binds:
            self._training.pop(name, None)
        unit.trains = bool(runs or known)
        unit.opens = bool(runs) or any(self._training[name] == "opens" for name in known)
        for call in calls:
            looped = self._looping.get(getattr(call.func, "id", None), ())
            given = [*enumerate(call.args), *((k.arg, k.value) for k in call.keywords)]
            unit.plays |= {arg.id for place, arg in given if place in looped and isinstance(arg, ast.Name)}
            if dotted(call.func, modules) == "dlimlib.pretrained.load" and call.args:
                name = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
                effects = Effects(self.meaning, self._links)
                kept = (k for k in call.keywords if k.arg not in ("use", "data"))
                unit.loads[name] = set().union(*(effects.roots(k.value) for k in kept))

    def _loops_over_run(self, node):
        """Whether a loop goes over a Run that the units above have opened."""
        if not isinstance(node, ast.For | ast.AsyncFor):
            return False
        opened = {name for unit in self.units if unit.opens for name in unit.binds}
        return bool(free(node.iter) & opened) or any(
            is_run(c, self.meaning.modules) for c in ast.walk(node.iter) if isinstance(c, ast.Call)
        )

    # ----------------------------------------------------------------------------------- what depends

    def behind(self, roots):
        """Numbers of all units that the units `roots` depend on, themselves included, in order."""
        end, found, seen = max(roots), set(), set()
        wanted = [(number, end) for number in roots]
        while wanted:
            number, until = wanted.pop()
            if (number, until) in seen:
                continue
            seen.add((number, until))
            found.add(number)
            unit = self.units[number]
            wanted += [(head, number) for head, _ in unit.guards]
            names = set().union(*(u.binds for u in self.units)) if unit.opaque else unit.reads
            for name in names:
                wanted += self._providers(name, number, until)
            for name in unit.late:
                for place in {min(until, len(self.units) - 1), end}:  # a loop at the end lasts beyond it
                    wanted += self._providers(name, place, place)
        return sorted(found)

    def _providers(self, name, number, until):
        """Units that give a name the value that unit `number` reads, or change it later, down to `until`.

        [(unit, until)]: what it was made of matters as long as it does, since it may be held; for what has
        changed it, only the moment does.
        """
        reader, found = self.units[number], []
        touching = sorted({*self._touching.get(name, ()), *self._touching.get(None, ())})
        before, n = bisect_left(touching, number), -1
        for n in reversed(touching[:before]):
            found.append(n)
            if self.units[n].binds.get(name) and set(self.units[n].guards) <= set(reader.guards):
                break
        else:
            n = -1
        if reader.loop is not None and n < reader.loop:  # what a later statement of the loop left behind
            until = max(until, reader.last + 1)
        for n in touching[bisect_right(touching, number) : bisect_left(touching, until)]:
            unit = self.units[n]
            if unit.binds.get(name) and name not in unit.mutates and not unit.guards:
                break
            carried = reader.loop is not None and unit.loop == reader.loop and name in unit.binds
            if name in unit.mutates and name != RANDOM or carried:
                found.append(n)
        return [(n, max(n, until) if name in self.units[n].binds else n) for n in found]

    def training(self, number):
        """Numbers of the units that make up the training which unit `number` begins: it and its loops."""
        unit, whole = self.units[number], [number]
        if unit.opens:
            for n in range(number + 1, len(self.units)):
                later = self.units[n]
                loops = isinstance(later.node, ast.For | ast.AsyncFor)
                if (free(later.node.iter) if loops else later.plays) & unit.binds.keys():
                    whole.append(n)
                elif any(later.binds.get(name) for name in unit.binds):
                    break
        return whole

    def trainings(self):
        """{(index of the cell, statement in it, lines): numbers of the units that begin a Run}."""
        found = {}
        for number, unit in enumerate(self.units):
            if unit.trains:
                found.setdefault((unit.index, unit.top, unit.lines), []).append(number)
        return found

    def at(self, index, line):
        """Numbers of the units of the training that a line of a cell begins; of all above in doubt."""
        there = [
            numbers
            for (i, *_), numbers in self.trainings().items()
            if i == index and line in self.units[numbers[0]].lines
        ]
        above = [n for n, unit in enumerate(self.units) if (unit.index, unit.lines.start) <= (index, line)]
        return min(there, key=lambda numbers: len(self.units[numbers[0]].lines), default=above)

    def parts(self, numbers):
        """What makes the key of a training: name -> hash, for its statements, functions of dlimlib, data."""
        whole = sorted({n for number in numbers for n in self.training(number)})
        units = [self.units[n] for n in self.behind(whole)]
        texts = {}
        for unit in units:
            names = sorted(n for n in unit.binds if n != RANDOM) or sorted(unit.mutates - {RANDOM})
            label = ", ".join(names[:3]) or ("the seed" if RANDOM in unit.binds else "")
            begins = any(unit is self.units[n] for n in whole)
            label = f"the training in cell {unit.cell}" if begins else label or f"cell {unit.cell}"
            texts.setdefault(label, []).append(unit.text)
        code = "\n".join(ast.unparse(ast.fix_missing_locations(unit.node)) for unit in units)
        wanted = {name for unit in units for name in _library_names(unit.node, self.meaning.modules)}
        texts |= {name: [text] for name, text in library.sources(wanted).items()}
        others = {name for unit in units for name in unit.loads if not pretrained.belongs(name, self.name)}
        texts |= {f"weights {name}": [_weights(name)] for name in others}
        texts |= {name: [version] for name, version in nbs.data_versions(code).items()}
        return {name: hashlib.sha256("\n".join(t).encode()).hexdigest()[:16] for name, t in texts.items()}


def _weights(name):
    """What stands for the stored weights of another notebook."""
    path = pretrained.find(name)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""


def key(parts):
    """The key of a training from its parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def why(old, new):
    """Which parts made the difference between two trainings, in words."""
    changed = [name for name in [*new, *old] if old.get(name) != new.get(name)]
    changed = list(dict.fromkeys(changed))
    return ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")


def _library_names(node, modules):
    """Full names of what a statement uses of dlimlib."""
    chains = (n for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Name))
    return {name for n in chains if (name := dotted(n, modules)) and name.startswith("dlimlib.")}

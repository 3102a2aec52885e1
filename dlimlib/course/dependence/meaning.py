"""What the names of a notebook stand for."""

import ast
from dataclasses import dataclass, field

from .effects import Effects
from .known import NUMBERS, PLAIN
from .names import FUNCTIONS, body, dotted, late, parameters, stored_names


@dataclass
class Meaning:
    """What the names of a notebook stand for at some place: imports, functions, classes."""

    builtins: frozenset
    modules: dict = field(default_factory=dict)  # name -> what was imported, in full
    defined: dict = field(default_factory=dict)  # name -> its def or class
    methods: set = field(default_factory=set)  # of classes of the notebook
    plain: set = field(default_factory=set)  # names of values which nothing can change
    drawing: bool = False  # whether a network of the notebook draws random numbers when it is called
    _known: dict = field(default_factory=dict)
    _busy: set = field(default_factory=set)

    def kind(self, name):
        """ "module", "function", "class" or "object"."""
        if name in self.modules:
            return "module"
        node = self.defined.get(name)
        return "class" if isinstance(node, ast.ClassDef) else "function" if node else "object"

    def function(self, name):
        """(node, Effects) of a function, None for any other name."""
        node = self.defined.get(name)
        return (node, self.summarise(node)) if isinstance(node, FUNCTIONS) else None

    def summarise(self, node, scope=None):
        """The Effects of calling a function, on its parameters and on names outside it."""
        if id(node) in self._busy:  # it calls itself
            return Effects(self)
        if id(node) not in self._known:
            self._busy.add(id(node))
            own = frozenset({*parameters(node)} | stored_names(*body(node)))
            inner = Effects(self, scope=dict(scope or {}), local=own).run(body(node))
            self._busy.discard(id(node))
            seen = late(node) | {*parameters(node)}
            inner.events = [e for e in inner.events if e[1] in seen or e[0] in ("draw", "seed", "opaque")]
            inner.returns &= seen
            self._known[id(node)] = inner
        return self._known[id(node)]

    def is_plain(self, node):
        """Whether an expression is a number, a text, a function that changes nothing, its partial, or a tuple
        of such, for all we know."""
        if isinstance(node, ast.Name):
            return node.id in self.plain or self._harmless(self.defined.get(node.id))
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Compare):
            return True
        if isinstance(node, ast.Lambda):
            return self._harmless(node)
        if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Tuple | ast.IfExp | ast.BoolOp):
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return all(map(self.is_plain, parts[1:] if isinstance(node, ast.IfExp) else parts))
        if isinstance(node, ast.Subscript):
            return self.is_plain(node.value)
        if isinstance(node, ast.Attribute):
            return node.attr in NUMBERS
        if isinstance(node, ast.Call):
            name = dotted(node.func, self.modules) or getattr(node.func, "id", None)
            copied = isinstance(node.func, ast.Attribute) and node.func.attr == "_replace"
            if copied or self.named_tuple(name) or name == "functools.partial":
                parts = [node.func.value] if copied else node.args
                return all(map(self.is_plain, [*parts, *(k.value for k in node.keywords)]))
            same = name in ("min", "max", "tuple", "sum") and all(map(self.is_plain, node.args))
            return (
                same
                or name in PLAIN
                or (
                    isinstance(node.func, ast.Attribute) and node.func.attr in ("item", "numel", "bit_length")
                )
            )
        return False

    def _harmless(self, node):
        """Whether a function or lambda changes and draws nothing but what it is given."""
        known = isinstance(node, (ast.Lambda, *FUNCTIONS))
        return known and all(name in parameters(node) for _, name in self.summarise(node).events)

    def named_tuple(self, name):
        """Whether this is the name of a class of named tuples that the notebook defines."""
        bases = getattr(self.defined.get(name), "bases", ())
        return any(dotted(base, self.modules) == "typing.NamedTuple" for base in bases)

    def define(self, node):
        """Take note of what an import, def or class says a name stands for; a class tells its methods."""
        self._known.clear()
        for name in stored_names(node) if not isinstance(node, (*FUNCTIONS, ast.ClassDef)) else [node.name]:
            self.defined.pop(name, None)
            self.modules.pop(name, None)
        if isinstance(node, ast.Import):
            for a in node.names:
                self.modules[a.asname or a.name.partition(".")[0]] = (
                    a.name if a.asname else a.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            self.modules |= {a.asname or a.name: f"{node.module or ''}.{a.name}" for a in node.names}
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self.defined[node.name] = node
        if isinstance(node, ast.ClassDef):
            own = [n for n in node.body if isinstance(n, FUNCTIONS)]
            self.methods |= {n.name for n in own if not n.name.startswith("__")}
            made = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
            last = {call.func.attr for call in made if isinstance(call.func, ast.Attribute)}
            makes = {n.name for n in own} & {"__init__"}
            drawn = [e for n in own if n.name not in makes for e in self.summarise(n).events]
            self.drawing |= any(kind == "draw" for kind, _ in drawn) or bool(last & {"Dropout", "Dropout2d"})

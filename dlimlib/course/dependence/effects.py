"""What a statement of a notebook reads, binds and changes, as far as its syntax tells; in doubt, more."""

import ast
from dataclasses import dataclass, field

from .known import (
    DRAWS,
    FRESH,
    HARMLESS,
    HOLDERS,
    KNOWN,
    MUTATORS,
    NUMBERS,
    OPAQUE,
    RANDOM,
    SHOWS,
    WEIGHTLESS,
)
from .names import COMPREHENSIONS, FUNCTIONS, dotted, free, outer, parameters, stored_names


def perhaps(event):
    """What an event is in a branch: a seed that may be left out only changes the random numbers."""
    kind, name = event
    return {"seed": "draw", "eval": "mutate"}.get(kind, kind), name


@dataclass
class Effects:
    """What happens when some statements are executed, in order: (kind, name) with the kinds

    mutate, call (an object: a network in training mode changes), eval, train, draw, seed, opaque.
    """

    meaning: object  # the Meaning of the names
    links: dict = field(default_factory=dict)  # name -> names whose objects it may hold or share
    events: list = field(default_factory=list)
    returns: set = field(default_factory=set)
    frozen_return: bool = False
    scope: dict = field(default_factory=dict)  # functions defined inside
    local: frozenset = frozenset()  # names of the function that is looked at

    # ------------------------------------------------------------------------------ what a value may share

    def roots(self, node):
        """Names whose objects the value of an expression may be, hold or share memory with."""
        if isinstance(node, ast.Name):
            plain = node.id in self.meaning.plain and node.id not in self.local
            return set() if plain else {node.id} | self.links.get(node.id, set())
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await | ast.NamedExpr):
            bare = isinstance(node, ast.Attribute) and node.attr in NUMBERS
            return set() if bare or dotted(node, self.meaning.modules) else self.roots(node.value)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return set().union(*map(self.roots, node.elts))
        if isinstance(node, ast.Dict):
            return set().union(*map(self.roots, node.values))
        if isinstance(node, ast.IfExp):
            return self.roots(node.body) | self.roots(node.orelse)
        if isinstance(node, ast.BoolOp):
            return set().union(*map(self.roots, node.values))
        if isinstance(node, COMPREHENSIONS):
            kept = dict(self.links)
            own = stored_names(*(g.target for g in node.generators))
            for g in node.generators:
                self.bind_each(g.target, g.iter)
            elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            found = set().union(*map(self.roots, elements)) - own
            self.back_to(kept)
            return found
        return self.call_roots(node) if isinstance(node, ast.Call) else set()

    def call_roots(self, node):
        name, arguments = dotted(node.func, self.meaning.modules), self.arguments(node)
        every = set().union(*(roots for _, roots in arguments))
        if name:
            last = name.rpartition(".")[2]
            if name.startswith("dlimlib") or last == "deepcopy":
                return set()
            known = name.partition(".")[0] in KNOWN
            return every if last[:1].isupper() or last in HOLDERS or not known else set()
        if isinstance(node.func, ast.Attribute):
            fresh = node.func.attr in FRESH or node.func.attr.startswith("register_")  # a hook's handle
            return set() if fresh else self.roots(node.func.value)
        if isinstance(node.func, ast.Name):
            summary = self.summary(node.func.id)
            if summary:
                given = self.given(summary[0], node)
                return set().union(*(given.get(root, {root}) for root in summary[1].returns))
            if self.meaning.kind(node.func.id) == "class":
                return self.held(self.meaning.defined[node.func.id], node, every)
            if node.func.id in HOLDERS:
                return every
        return set()

    def held(self, node, call, every):
        """Roots of what an object of a class keeps of what it is made with; every of them in doubt."""
        init = next((n for n in node.body if isinstance(n, FUNCTIONS) and n.name == "__init__"), None)
        if init is None or not init.args.args:
            return every
        own, me = self.meaning.summarise(init), init.args.args[0].arg
        call = ast.Call(call.func, [ast.Constant(None), *call.args], call.keywords)  # itself comes first
        given = self.given(init, call)
        return set().union(*(given.get(root, set()) for root in own.links.get(me, ())))

    def arguments(self, call):
        """[(name of the parameter, or None, or "*"), roots] of a call."""
        positions = [("*" if isinstance(a, ast.Starred) else None, self.roots(a)) for a in call.args]
        return positions + [(k.arg or "*", self.roots(k.value)) for k in call.keywords]

    def given(self, function, call):
        """Parameter -> roots of what a call puts into it."""
        names = parameters(function)
        own = function.args.posonlyargs + function.args.args
        defaults = dict(zip([p.arg for p in own][::-1], function.args.defaults[::-1], strict=False))
        defaults |= {
            p.arg: d for p, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d
        }
        found = {name: set() for name in names}
        spread, rest = set(), [a.arg for a in (function.args.vararg, function.args.kwarg) if a]
        order = iter([p.arg for p in own])
        for name, roots in self.arguments(call):
            if name == "*":
                spread |= roots
            else:
                name = next(order, None) if name is None else name
                for into in [name] if name in found else rest:
                    found[into] |= roots
        return {
            name: roots or spread | (self.roots(defaults[name]) if name in defaults else set())
            for name, roots in found.items()
        }

    def summary(self, name):
        """(node, Effects) of a function of the notebook, None for any other name."""
        if name in self.scope:
            return self.scope[name], self.meaning.summarise(self.scope[name], self.scope)
        return self.meaning.function(name) if name not in self.local else None

    # ------------------------------------------------------------------------------------ what happens

    def note(self, kind, *roots):
        self.events += [(kind, root) for root in set().union(*roots)]

    def bind(self, target, roots):
        """Assign something with these roots to a target."""
        if isinstance(target, ast.Name):
            self.links[target.id] = roots - {target.id}
        elif isinstance(target, ast.Starred):
            self.bind(target.value, roots)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.bind(element, roots)
        else:
            self.expression(target)
            holders = self.roots(target.value)
            self.note("mutate", holders)
            for name in holders:
                self.links[name] = self.links.get(name, set()) | (roots - {name})

    def bind_each(self, target, values):
        """Assign the elements of something iterable to a target, with zip and enumerate one by one."""
        called = values.func.id if isinstance(values, ast.Call) and isinstance(values.func, ast.Name) else ""
        if called == "zip" and isinstance(target, ast.Tuple) and len(target.elts) == len(values.args):
            for one, value in zip(target.elts, values.args, strict=True):
                self.bind_each(one, value)
        elif called == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            self.bind(target.elts[0], set())
            self.bind_each(target.elts[1], values.args[0])
        else:
            self.bind(target, self.roots(values))

    def back_to(self, links):
        """Forget what the targets of a comprehension meant, in place: the notebook keeps these links."""
        self.links.clear()
        self.links.update(links)

    def run(self, statements):
        """Go through statements in order; branches one after the other."""
        for node in statements:
            self.statement(node)
        return self

    def statement(self, node):
        if isinstance(node, FUNCTIONS):
            self.scope = self.scope | {node.name: node}
            return [self.expression(part) for part in outer(node)]
        if isinstance(node, ast.ClassDef):
            return [self.expression(part) for part in outer(node)]
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            if node.value is None:
                return
            self.expression(node.value)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(node, ast.AugAssign):
                    self.note("mutate", self.roots(target))
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    if len(target.elts) == len(node.value.elts):
                        for one, value in zip(target.elts, node.value.elts, strict=True):
                            self.bind(one, self.roots(value))
                else:
                    self.bind(target, self.roots(node.value))
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.expression(node.iter)
            self.bind_each(node.target, node.iter)
            self.run([*node.body, *node.orelse])
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.expression(item.context_expr)
                if item.optional_vars:
                    self.bind(item.optional_vars, self.roots(item.context_expr))
            self.run(node.body)
        elif isinstance(node, ast.Global):
            self.note("mutate", set(node.names))
        elif isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            self.events.append(("opaque", "*"))
        elif isinstance(node, ast.Return) and node.value:
            self.expression(node.value)
            self.returns |= self.roots(node.value)
            self.frozen_return = self.is_frozen(node.value)
        elif isinstance(node, ast.Expr):
            elements = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for element in elements:
                self.expression(element, statement=True)
                if isinstance(element, ast.Yield | ast.YieldFrom) and element.value:
                    self.returns |= self.roots(element.value)
        else:
            before = len(self.events)
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    self.statement(child)
                elif isinstance(child, ast.expr):
                    self.expression(child)
                else:  # a handler, a case
                    self.run(n for n in ast.iter_child_nodes(child) if isinstance(n, ast.stmt))
            self.events[before:] = map(perhaps, self.events[before:])

    def is_frozen(self, node):
        """Whether a value is a network in evaluation mode, or a tuple of such and of other things."""
        if isinstance(node, ast.Tuple):
            return all(self.is_frozen(e) for e in node.elts if isinstance(e, ast.Call | ast.Name))
        if isinstance(node, COMPREHENSIONS) and not isinstance(node, ast.DictComp):
            return self.is_frozen(node.elt)
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Attribute):
            return node.func.attr == "eval"
        summary = self.summary(node.func.id) if isinstance(node.func, ast.Name) else None
        return bool(summary) and summary[1].frozen_return

    def expression(self, node, statement=False):
        """Note what the calls in an expression do, the inner ones first."""
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, COMPREHENSIONS):
            kept = dict(self.links)
            before, own = len(self.events), stored_names(*(g.target for g in node.generators))
            for g in node.generators:
                self.expression(g.iter)
                self.bind_each(g.target, g.iter)
                for test in g.ifs:
                    self.expression(test)
            for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
                self.expression(part)
            self.events[before:] = [event for event in self.events[before:] if event[1] not in own]
            self.back_to(kept)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
            elif isinstance(child, ast.keyword):
                self.expression(child.value)
        if isinstance(node, ast.NamedExpr):
            self.bind(node.target, self.roots(node.value))
        elif isinstance(node, ast.Call):
            self.call(node, statement)

    def call(self, node, statement):
        func, meaning = node.func, self.meaning
        name, every = dotted(func, meaning.modules), [roots for _, roots in self.arguments(node)]
        last = func.attr if isinstance(func, ast.Attribute) else (name or "").rpartition(".")[2]
        own_generator = any(keyword.arg == "generator" for keyword in node.keywords)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Name) and not (name or "").startswith(SHOWS):
                self.callback(argument.id)  # a function that is handed over is called, for all we know
        if name:
            if name in ("dlimlib.seed", "torch.manual_seed", "random.seed", "numpy.random.seed"):
                self.events.append(("seed", RANDOM))
            elif name == "dlimlib.pretrained.load":
                self.note("mutate", *(roots for key, roots in self.arguments(node) if key))
            elif name.startswith("dlimlib"):
                if name.startswith("dlimlib.models"):
                    self.events.append(("draw", RANDOM))
            else:
                drawn = name.startswith(("random.", "numpy.random.")) and last != "default_rng"
                drawn |= last in DRAWS or name.partition(".")[0] not in KNOWN
                drawn |= name.startswith("torch.nn.") and last[:1].isupper() and last not in WEIGHTLESS
                if drawn and not own_generator:
                    self.events.append(("draw", RANDOM))
                if last.startswith(("set_", "use_")):
                    self.note("mutate", free(func))
                if last.endswith("_") or statement:
                    self.note("mutate", *every)
        elif isinstance(func, ast.Attribute):
            self.method(node, last, statement, own_generator)
        elif isinstance(func, ast.Name) and func.id in OPAQUE:
            self.events.append(("opaque", "*"))
        elif isinstance(func, ast.Name) and func.id in ("setattr", "delattr", "next"):
            self.note("mutate", *every[:1])
        elif isinstance(func, ast.Name) and (summary := self.summary(func.id)):
            given = self.given(summary[0], node)
            for kind, root in summary[1].events:
                self.events += [(kind, r) for r in given.get(root, {root})]
        elif isinstance(func, ast.Name) and meaning.kind(func.id) == "class" and func.id not in self.local:
            if not meaning.named_tuple(func.id):
                self.events.append(("draw", RANDOM))
        elif not (isinstance(func, ast.Name) and func.id in meaning.builtins):
            self.note("call", self.roots(func))
            if statement:
                self.note("mutate", *every)

    def method(self, node, name, statement, own_generator):
        owner = self.roots(node.func.value)
        if isinstance(node.func.value, ast.Call) and isinstance(node.func.value.func, ast.Name):
            if node.func.value.func.id == "get_ipython" and not _shows_only(node):
                self.events.append(("opaque", "*"))
        if name in ("eval", "train"):
            self.note(name, owner)
        elif name.endswith("_") and not name.endswith("__") or name in MUTATORS:
            self.note("mutate", owner)
        elif name in self.meaning.methods:
            self.note("call", owner)
        elif statement and name not in HARMLESS:
            self.note("mutate", owner)
        if name in DRAWS and not own_generator and not name.startswith("manual"):
            self.events.append(("draw", RANDOM))

    def callback(self, name):
        """What a function of the notebook does to global names and random numbers, whoever calls it."""
        if summary := self.summary(name):
            inside = {*parameters(summary[0])}
            self.events += [event for event in summary[1].events if event[1] not in inside]


def _shows_only(node):
    """Whether a magic only sets how things are shown: %matplotlib, %config."""
    first = node.args[0] if node.args else None
    return isinstance(first, ast.Constant) and first.value in ("matplotlib", "config")

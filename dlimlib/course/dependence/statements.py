"""Statements cut into units, without what makes no numbers."""

import ast

from .effects import Effects
from .known import SHOWS
from .names import COMPREHENSIONS, dotted, free, is_run

SHOWN = {"preview", "film", "quiet", "every"}  # what a Run is told about its display


def head(node):
    """(head, [statements of each branch]) of a branch, loop or `with`; None for any other statement."""
    if isinstance(node, ast.If | ast.While):
        return ast.Assert(node.test), [node.body, node.orelse]
    if isinstance(node, ast.For | ast.AsyncFor):
        return ast.For(node.target, node.iter, [], []), [node.body, node.orelse]
    if isinstance(node, ast.With | ast.AsyncWith):
        return ast.With(node.items, []), [node.body]
    if isinstance(node, ast.Try):
        kinds = [handler.type for handler in node.handlers if handler.type]
        handlers = [handler.body for handler in node.handlers]
        return ast.Assert(ast.Tuple(kinds, ast.Load())), [node.body + node.orelse, *handlers, node.finalbody]
    return None


def split(node):
    """Parts of a statement that stand on their own: imports, a, b = 1, 2, and E.train(), D.train()."""
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.names[0].name != "*":  # as if written: import torch.nn as nn
        full = [ast.alias(f"{node.module or ''}.{a.name}", a.asname or a.name) for a in node.names]
        return [ast.Import([alias]) for alias in full]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple):
        return [ast.Expr(element) for element in node.value.elts]
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple):
        targets, value = node.targets[0].elts, node.value
        plain = all(isinstance(t, ast.Name) for t in targets) and isinstance(value, ast.Tuple)
        if plain and len(targets) == len(value.elts) and not free(value) & {t.id for t in targets}:
            return [ast.Assign([t], v) for t, v in zip(targets, value.elts, strict=True)]
    return [node]


class Plain(ast.NodeTransformer):
    """Leave out what makes no numbers (docstrings, types, what is shown); put in the profile's budget."""

    def __init__(self, meaning, profile, training):
        self.meaning, self.profile, self.training = meaning, profile, training

    def visit_Call(self, node):
        name = dotted(node.func, self.meaning.modules)
        if name == "dlimlib.profile":
            return ast.Constant(self.profile)
        if name in ("dlimlib.budget", "dlimlib.steps"):
            return next((self.visit(k.value) for k in node.keywords if k.arg == self.profile), node)
        if name == "dlimlib.pretrained.load":
            node.keywords = [k for k in node.keywords if k.arg not in ("use", "data")]
        elif is_run(node, self.meaning.modules):
            node.keywords = [k for k in node.keywords if k.arg not in SHOWN]
        elif isinstance(node.func, ast.Name) and self.training.get(node.func.id):
            node.keywords = [k for k in node.keywords if k.arg not in ("preview", "quiet")]
        return self.generic_visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant):
            return None
        return None if self._shows(node.value) else self.generic_visit(node)

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    def generic_visit(self, node):
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and isinstance(node, ast.stmt | ast.ExceptHandler):
            node.body = [ast.copy_location(ast.Pass(), node)]
        return node

    def _shows(self, node):
        """Whether an expression only prints or draws, and calls nothing that may do more."""
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.Name)
        name = dotted(node.func, self.meaning.modules)
        shown = isinstance(node.func, ast.Name) and node.func.id in ("print", "display")
        if not shown and not (name or "").startswith(SHOWS):
            return False
        effects = Effects(self.meaning)
        effects.expression(node)
        return not effects.events and not any(
            isinstance(n, ast.NamedExpr) for n in ast.walk(node) if not isinstance(n, COMPREHENSIONS)
        )

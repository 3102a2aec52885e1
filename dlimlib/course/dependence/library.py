"""The source of what a notebook uses of dlimlib for numbers, without what only explains or shows."""

import ast
import json
from functools import cache
from pathlib import Path

import dlimlib

from .. import notebook as nbs
from .names import FUNCTIONS, free, stored_names

ROOT = Path(dlimlib.__file__).parent
# What makes no numbers; and data sets, which are known by their version or their hash.
ASIDE = {"plot", "explore", "report", "pretrained", "probing", "training", "install", "course",
         "download", "recording", "pictures.enlarge", "data.load", "data.SETS", "data.DataSet",
         "data.cache", "data.decode", "data.digits", "data.faces", "data.files", "data.folder",
         "data.idx", "data.pairs", "data.pets", "data.toys", "settings.budget", "settings.steps",
         "settings.profile", "settings.device", "settings.home", "settings.checkout"}  # fmt: skip


def sources(names):
    """{full name: text} of functions and classes of dlimlib, and of those that they use in turn."""
    found, wanted = {}, [name.removeprefix("dlimlib.") for name in sorted(names)]
    if any(name.split(".")[0] == "data" for name in wanted):
        wanted.append("data.images.Images")  # what load returns, and its batches
    while wanted:
        module, attribute = _place(wanted.pop())
        name = f"{module}.{attribute}"
        if attribute is None or name in found or {module, name, module.partition(".")[0]} & ASIDE:
            continue
        node, uses = _definitions(ROOT, module).get(attribute, (None, ()))
        if isinstance(node, str):  # imported from another room
            wanted.append(node)
        elif node is not None:
            found[name] = json.dumps(nbs.plain(node))
            wanted += [f"{module}.{use}" for use in uses]
    return {f"dlimlib.{name}": text for name, text in sorted(found.items())}


def _place(name):
    """Cut a name such as data.images.Images into the module and what is in it, None for a module."""
    head, _, rest = name.partition(".")
    if head in dlimlib._HOMES:
        return _place(f"{dlimlib._HOMES[head]}.{name}")
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        if _file(ROOT, ".".join(parts[:cut])):
            return ".".join(parts[:cut]), parts[cut] if cut < len(parts) else None
    return head, None


def _file(root, module):
    """The file of a module of dlimlib, None where there is none."""
    path = root.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def _definitions(root, module):
    """{name: (statement, names it uses)} of a module; for what it imports from dlimlib the name there."""
    path, found = _file(root, module), {}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("dlimlib")):
            base = package.split(".") if package else []
            base = base[: len(base) - node.level + 1] if node.level else []
            base += filter(None, (node.module or "").removeprefix("dlimlib").strip(".").split("."))
            for alias in node.names:
                found[alias.asname or alias.name] = (".".join([*base, alias.name]), ())
        elif not isinstance(node, ast.Import | ast.ImportFrom) and (node := Bare().visit(node)):
            definition = isinstance(node, (*FUNCTIONS, ast.ClassDef))
            for name in [node.name] if definition else stored_names(node):
                found[name] = (node, sorted(free(node)))
    return found


class Bare(ast.NodeTransformer):
    """Leave out docstrings, annotations, the words of errors and warnings, and how a thing names itself."""

    def visit_Expr(self, node):
        warned = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "warnings.warn"
        return None if warned or isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node):
        return ast.Raise()

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if node.name in ("__repr__", "fingerprint"):
            return None
        node.returns = None
        node = self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

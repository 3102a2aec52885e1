"""What a reader calls: every public name says its types, and its shapes where it takes or gives tensors."""

import functools
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dlimlib

ROOT = Path(__file__).parents[1]
TENSORS = re.compile(r"Tensor|Images|Batches|ndarray")
SHAPE = re.compile(r"\((?:[\w…*]+, ?)+[\w…*+]*\)|\bscalars?\b")  # as (N, C, H, W), (n,), (48, …)


def members(module):
    """The public functions and classes of a module: its __all__, or the functions written in it."""
    listed = getattr(module, "__all__", None)
    for name in listed or [name for name in vars(module) if not name.startswith("_")]:
        value, path = getattr(module, name), f"{module.__name__}.{name}"
        if inspect.ismodule(value) and listed and (module is dlimlib or hasattr(value, "__all__")):
            yield from members(value)
        elif inspect.isclass(value) and listed:
            yield from methods(path, value)
        elif inspect.isfunction(value) and (listed or value.__module__ == module.__name__):
            yield path, value


def methods(name, cls):
    """A class's constructor, where it has written one, and its public methods and properties."""
    for key, value in vars(cls).items():
        value = getattr(value, "fget", None) or getattr(value, "func", None) or value
        if inspect.isfunction(value) and value.__code__.co_filename != "<string>":  # as a dataclass writes it
            if key == "__init__" or not key.startswith("_"):
                yield f"{name}.{key}", value


@functools.cache
def public():
    """{name: function} of the whole public API."""
    return dict(members(dlimlib))


def untyped(function):
    """The parameters of a function that have no annotation, with "return"."""
    signature = inspect.signature(function)
    names = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    given = signature.return_annotation is not signature.empty
    return names if given or function.__name__ == "__init__" else [*names, "return"]


def needs_shapes(function):
    """Whether an annotation of the function speaks of tensors."""
    return bool(TENSORS.search(str(inspect.signature(function))))


def test_every_public_function_has_types():
    found = {name: missing for name, function in public().items() if (missing := untyped(function))}
    assert not found, "\n".join(f"{name}: {', '.join(missing)}" for name, missing in found.items())


def test_every_public_docstring_has_shapes_where_tensors_go_in_or_come_out():
    docs = {name: inspect.getdoc(f) or "" for name, f in public().items() if needs_shapes(f)}
    for name in docs:
        if name.endswith(".__init__"):  # its arguments are explained where the class is
            module, cls, _ = name.rsplit(".", 2)
            docs[name] += inspect.getdoc(getattr(importlib.import_module(module), cls)) or ""
    without = [name for name, text in docs.items() if not SHAPE.search(text)]
    assert not without, "\n".join(without)


def test_every_public_function_has_a_docstring():
    silent = [name for name, f in public().items() if not inspect.getdoc(f) and not name.endswith("__init__")]
    assert not silent, "\n".join(silent)


def test_the_api_is_found():
    names = set(public())
    assert {"dlimlib.budget", "dlimlib.data.load", "dlimlib.data.faces.render", "dlimlib.Run.log"} <= names
    assert {"dlimlib.metrics.frechet", "dlimlib.plot.images", "dlimlib.data.Images.batches"} <= names


def good(x: "torch.Tensor", n: int = 1) -> "torch.Tensor":  # noqa: F821
    """Return pictures (N, C, H, W) of x."""


def bad(x: "torch.Tensor", n=1) -> "torch.Tensor":  # noqa: F821
    """Return pictures (all of them, really)."""


def test_what_the_rules_find():
    assert not untyped(good) and needs_shapes(good) and SHAPE.search(good.__doc__)
    assert untyped(bad) == ["n"] and needs_shapes(bad) and not SHAPE.search(bad.__doc__)
    assert untyped(needs_shapes) == ["function", "return"] and not needs_shapes(untyped)


def test_the_package_is_imported_at_once_and_knows_its_version():
    code = (
        "import sys, time; begin = time.process_time(); import dlimlib\n"
        "print(dlimlib.__version__, time.process_time() - begin, 'torch' in sys.modules)"
    )
    answer = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    version, seconds, torch = answer.split()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version) and float(seconds) < 0.1 and torch == "False"


@pytest.mark.slow
def test_the_types_fit():
    """mypy, with the settings of pyproject.toml."""
    answer = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr

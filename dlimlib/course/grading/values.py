"""Comparing packed values (child.py makes them): the expected one is ours, the other may be anything."""

import base64
import json
import math

import numpy as np

NUMPY = "float16 float32 float64 complex64 complex128 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64"
DTYPES = {name: name for name in NUMPY.split()} | {"bfloat16": "float32"}  # as child.py sends it


def compare(expected, got, rtol, atol):
    """Return None or, as a sentence without any expected number, how `got` differs from `expected`.

    Whole numbers of any width and booleans must be equal, real numbers within the tolerances, and as wide as
    expected or wider: a narrower one has lost digits on its way. Of Python's numbers 9 and 9.0 are the same.
    """
    kind = expected["kind"]
    if got.get("kind") != kind and not {kind, str(got.get("kind"))} == {"int", "float"}:
        if _nothing(expected) and _nothing(got):
            return None  # of a gradient that is not there PyTorch says either None or zeros
        shape = f" of shape {got['shape']}" if got.get("shape") else ""
        return f"expected {_article(kind)}, got {_article(str(got.get('kind')))}{shape}"
    if kind not in ("tensor", "array") and got.get("data", "") is None:
        return "the value is too large"
    if kind in ("list", "dict"):
        return _compare_items(expected, got, rtol, atol)
    if kind in ("NoneType", "str", "bool", "int"):
        same = got["value"] == expected["value"]
        return None if same else f"expected another value, got {got['value']!r}"
    if kind == "float":
        return _compare_numbers(numbers(expected), numbers(got), rtol, atol)
    if expected["shape"] != got["shape"]:
        return f"expected shape {expected['shape']}, got {got['shape']}"
    (wanted, width), (given, own) = _dtype(expected), _dtype(got)
    if wanted != given or wanted in "fc" and own < width:
        return f"expected dtype {expected['dtype']} or alike, got {got['dtype']}"
    if got["data"] is None:
        return "the value is too large"
    return _compare_numbers(numbers(expected), numbers(got), rtol, atol)


def _nothing(value):
    """Whether it is None or a real tensor of zeros."""
    tensor = value["kind"] == "tensor" and value["data"] is not None and _dtype(value)[0] in "fc"
    return value["kind"] == "NoneType" or tensor and not numbers(value).any()


def _dtype(value):
    """Return NumPy's letter for the kind of an array's numbers, signed or not, and their width in bytes."""
    dtype = np.dtype(DTYPES.get(value["dtype"], "O"))
    return dtype.kind.replace("u", "i"), dtype.itemsize


def _article(kind):
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def _compare_items(expected, got, rtol, atol):
    items = got["items"]
    if len(items) != len(expected["items"]):
        return f"expected {len(expected['items'])} items, got {len(items)}"
    if got.get("keys") != expected.get("keys"):
        return "expected items with other names"
    for i, (a, b) in enumerate(zip(expected["items"], items, strict=True)):
        if problem := compare(a, b, rtol, atol):
            return f"item {expected['keys'][i] if 'keys' in expected else i}: {problem}"
    return None


def _compare_numbers(a, b, rtol, atol):
    if a.shape != b.shape:
        return "the value is unreadable"
    exact = a.dtype.kind in "biu"
    wrong = a != b if exact else ~np.isclose(b, a, rtol, atol)
    if not wrong.any():
        return None
    if not np.isfinite(b).all():
        return "the value holds NaN or infinity"
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    shown = b[where] if exact else f"{b[where]:.5g}"
    return f"expected another value, got {shown}{f' at {list(where)}' if where else ''}"


def numbers(value):
    """Return the array that a packed number, tensor or array holds."""
    if value["kind"] not in ("tensor", "array"):
        return np.array(value["value"], dtype=float)
    return np.frombuffer(base64.b64decode(value["data"]), DTYPES[value["dtype"]]).reshape(value["shape"])


def room(value):
    """Return how many bytes of JSON a value may take that is right: as many of the widest numbers."""
    if "items" in value:
        return 64 + len(json.dumps(value.get("keys"))) + sum(map(room, value["items"]))
    if value["kind"] in ("tensor", "array"):
        return 128 + 11 * math.prod(value["shape"]) * (2 if _dtype(value)[0] == "c" else 1)
    return 64 + len(json.dumps(value))


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

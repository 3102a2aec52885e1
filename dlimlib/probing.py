"""The probes of graded cells."""

import math
from typing import Any


def probe(name: str, value: Any, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Check that `value` (number, tensor, text, or a list or dict of them) is finite, or raise naming it.

    When a submission is graded, the value is reported and compared within rtol and atol instead.
    """
    _check(name, value)


def _check(name, value, where=""):
    if isinstance(value, dict):
        for key, item in value.items():
            _check(name, item, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for key, item in enumerate(value):
            _check(name, item, f"{where}[{key}]")
    elif hasattr(value, "isfinite") or hasattr(value, "__array__"):
        import torch

        if not torch.as_tensor(value).isfinite().all():
            raise ValueError(f"probe {name!r}: the value{where} holds NaN or infinity")
    elif isinstance(value, int | float | complex):
        if not math.isfinite(abs(value)):
            raise ValueError(f"probe {name!r}: the value{where} is {value}")
    elif value is not None and not isinstance(value, str):
        raise TypeError(
            f"probe {name!r}: the value{where} must be a number, a tensor, a text, "
            f"or a list or dict of them, got {type(value).__name__}"
        )

"""What was drawn or decoded, kept in safetensors files, of which a few rows are read without the others."""

import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

LONG = 0.5  # seconds: what is made faster is not worth a file
Kept = tuple[dict[str, torch.Tensor], dict[str, Any]]  # tensors by name, with equally many rows; notes


def kept(path: Path, make: Callable[[], Kept], *, n: int | None = None, mark: str = "") -> Kept:
    """Return what read() finds; without it, what make() gives, which is written if it took long."""
    tensors, notes = read(path, n, mark)
    if tensors:
        return tensors, notes
    begun = time.perf_counter()
    tensors, notes = make()
    if tensors and time.perf_counter() - begun > LONG:
        write(path, tensors, mark, **notes)
    return {k: t[:n] for k, t in tensors.items()}, notes


def read(path: Path, n: int | None = None, mark: str = "") -> Kept:
    """Return up to n rows of every tensor in a cache file, and its notes; both empty without this mark.

    A damaged file counts as none, with a warning. What gives it away is its header, its length or tensors
    that don't fit together; it has no checksum, so that a byte that has changed in a picture does not.
    """
    try:
        with safe_open(path, "np") as file:  # as arrays, because tensors would hang on to the file
            notes = json.loads(file.metadata()["notes"])
            if notes.pop("mark") != mark:
                return {}, {}
            slices = {k: file.get_slice(k) for k in file.keys()}
            (rows,) = {s.get_shape()[0] for s in slices.values()}
            upto = rows if n is None else min(n, rows)
            return {k: torch.from_numpy(s[:upto]) for k, s in slices.items()}, notes
    except (FileNotFoundError, NotADirectoryError):
        return {}, {}
    except (OSError, SafetensorError, ValueError, LookupError, TypeError):
        warnings.warn(f"{path} is damaged, so its pictures are made again", stacklevel=4)
        return {}, {}


def write(path: Path, tensors: dict[str, torch.Tensor], mark: str = "", **notes: Any) -> None:
    """Keep the tensors in a file that gets its name when it is whole; without a place for it, only warn."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, {"notes": json.dumps({"mark": mark, **notes})})
        os.replace(temporary, path)
    except (OSError, SafetensorError) as e:
        warnings.warn(
            f"these pictures can't be kept in {path.parent} ({getattr(e, 'strerror', None) or e}) and will "
            "be made again next time; set DLIM_HOME to a folder where you may write",
            stacklevel=4,
        )
        if temporary.exists():
            temporary.unlink()

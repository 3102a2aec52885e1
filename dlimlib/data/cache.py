"""What was drawn or decoded, kept in safetensors files, of which a few rows are read without the others."""

import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file


def read(path: Path, n: int | None = None, mark: str = "") -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Up to n rows of every tensor in a cache file, and its notes; both empty where none has this mark.

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
            if slices["x"].get_dtype() == "U8":
                upto = rows if n is None else min(n, rows)
                return {k: torch.from_numpy(s[:upto]) for k, s in slices.items()}, notes
    except (FileNotFoundError, NotADirectoryError):
        return {}, {}
    except (OSError, SafetensorError, ValueError, LookupError, TypeError):
        pass
    warnings.warn(f"{path} is damaged, so its pictures are made again", stacklevel=4)
    return {}, {}


def write(path: Path, tensors: dict[str, torch.Tensor], mark: str = "", **notes: Any) -> None:
    """Keep the tensors in a file that gets its name when it is whole; without a place for it, only warn."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            temporary = file.name
        save_file(tensors, temporary, {"notes": json.dumps({"mark": mark, **notes})})
        os.chmod(temporary, 0o644)  # a teacher may fill a cache for everybody
        os.replace(temporary, path)
    except (OSError, SafetensorError) as e:
        warnings.warn(
            f"these pictures can't be kept in {path.parent} ({getattr(e, 'strerror', None) or e}) and will "
            "be made again next time; set DLIM_HOME to a folder where you may write",
            stacklevel=4,
        )
        if temporary and os.path.exists(temporary):
            os.remove(temporary)

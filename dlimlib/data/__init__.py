"""Data sets: dl.data.load(name) gives Images, images.batches(…) endless float batches."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from ..pictures import IGNORE
from . import berkeley, digits, drawings, faces, folder, idx, pets, toys
from .batches import Batches
from .batches import Unpaired as unpaired
from .images import Images, in_batches, paired

__all__ = ["Batches", "IGNORE", "Images", "NAMES"]
__all__ += ["digits", "drawings", "faces", "in_batches", "load", "paired", "unpaired"]


class DataSet(NamedTuple):
    """What `load` knows about a data set."""

    load: Callable[..., Images]  # load(split, size or None, n or None, **options)
    options: tuple[str, ...] = ()  # which further arguments of dl.data.load it understands
    shows: str = ""  # what a notebook written for it speaks of
    knows: tuple[str, ...] = ()  # which fields such a notebook reads beside x


SETS = {
    "toy-faces": DataSet(
        partial(toys.load, "toy-faces"), ("device",), "portraits", ("classes", "mask", "sketch", "factors")
    ),
    "toy-digits": DataSet(partial(toys.load, "toy-digits"), ("device",), "drawn digits", ("classes",)),
    **{name: DataSet(partial(idx.load, name)) for name in idx.SETS},
    "pets": DataSet(pets.load),
    "folder": DataSet(folder.load, ("path", "split_by", "tiles", "pairs")),
    **{name: DataSet(partial(berkeley.load, name)) for name in berkeley.SETS},
    "drawings": DataSet(drawings.load),
    "toy-busts": DataSet(
        partial(toys.load, "toy-busts"), ("device",), "busts", ("classes", "mask", "sketch", "factors")
    ),
}
NAMES = tuple(SETS)


def load(
    name: str,
    *,
    split: str = "train",
    size: int | None = None,
    n: int | None = None,
    path: str | Path | None = None,
    split_by: str | None = None,
    tiles: int | None = None,
    pairs: bool | None = None,
    device: Any = None,
    usual: str | None = None,
) -> Images:
    """Return the data set called name as Images: x uint8 (N, C, size, size), the first n of the split.

    The toys are drawn here, on the device (by default CUDA where there is one), and kept in the cache; the
    others are downloaded, and "folder" reads your own pictures from path, with their labels where it holds
    images/ and labels/; split_by="folder" keeps each sub-folder in one split, tiles=128 cuts pictures into
    squares of 128 pixels. pairs=True reads pairs of pictures, from folders A and B or side by side in one
    file, as the fields "x" and "target".

    usual names the data set that a notebook was written for: for another one, a line says what that means.
    """
    for known in (name, usual or name):
        if known not in SETS:
            raise ValueError(f"there is no data set {known!r}; there are {', '.join(NAMES)}")
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    for key, value in {"size": size, "n": n, "tiles": tiles}.items():
        if value is not None and not (isinstance(value, Integral) and value >= 1):
            raise ValueError(f"{key} must be a whole number and at least 1, got {value!r}")
    options = {"path": path, "split_by": split_by, "tiles": tiles, "pairs": pairs, "device": device}
    for key, value in list(options.items()):
        if key not in SETS[name].options:
            if value is not None and key != "device":
                raise ValueError(f'{key} goes with "folder" only, got {key}={str(value)!r} for {name!r}')
            del options[key]
    images = SETS[name].load(split, size, n, **options)
    if usual and usual != name:
        shows, words = SETS[usual].shows, {"mask": "label maps", "sketch": "sketches"}
        lacking = " or ".join(words.get(k, k) for k in SETS[usual].knows if getattr(images, k) is None)
        print(
            f"{name} in place of {usual}: the text speaks of {shows}, and no stored weights fit, so you see "
            "your own training; DLIM_EFFORT=4 makes it four times as long."
            + (f" It has no {lacking}, so the cells that need them are skipped." if lacking else "")
        )
    return images

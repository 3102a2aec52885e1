"""Your own pictures with labels: a folder with images/ and labels/, whose files go by the same names.

Label pictures hold integers (grey or with a palette, one value per class) or colours. `classes.txt` beside
the two folders names the classes, one a line in the order of their numbers: `skin`, or with its colour
`skin #e8b93f` or `232 185 63 skin`. Pixels of a class `ignore`, and of 255 where it has no name, don't count.
"""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from ..pictures import IGNORE
from . import files
from .decode import numbers, read_labels, read_picture, upright_size
from .files import Look, Places, Skipped

MOST = 64  # so many different values without a classes.txt are no labels any more
PICTURES = ("images", "image", "imgs", "jpegimages")  # in whatever spelling
LABELS = ("labels", "label", "masks", "mask", "segmentationclass")
IGNORED = ("ignore", "void")
COLOUR_FIRST = re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\S.*)")
COLOUR_LAST = re.compile(r"(.*?)\s*(?:#([0-9a-fA-F]{6}))?")


def match(root: Path, places: Places, skipped: Skipped) -> tuple[Places, dict[Path, Path]]:
    """Return the pictures that have labels, each with its folders but images/, and the label picture of each;
    the places as they are, and {}, unless root, or its train/ and test/, hold images/ and labels/.

    What is alone or has a twin goes to skipped; ValueError in a sentence for fewer than two pairs.
    """
    pictures: dict[tuple[str, ...], Path] = {}
    labels: dict[tuple[str, ...], Path] = {}
    twins: Skipped = {}
    for file, place in places.items():
        kind, rest = _kind(place)
        if kind:
            named = pictures if kind in PICTURES else labels
            first = named.setdefault((*rest, file.stem), file)
            if first != file:
                twins[file] = f"goes by the same name as {first.name}"
    inner = [f for f in root.iterdir() if f.name.lower() in files.TRAIN + files.TEST and f.is_dir()]
    folders = {f.name.lower() for base in (root, *inner) for f in base.iterdir() if f.is_dir()}
    if folders.isdisjoint(PICTURES) or folders.isdisjoint(LABELS):
        return places, {}
    for file in [file for file in skipped if not _kind(file.relative_to(root).parts)[0]]:
        del skipped[file]  # lies beside the two folders, as classes.txt does
    skipped |= twins
    skipped |= {f: "has no labels of the same name" for name, f in pictures.items() if name not in labels}
    skipped |= {f: "has no picture of the same name" for name, f in labels.items() if name not in pictures}
    both = sorted(pictures.keys() & labels.keys())
    if len(both) < 2:
        alone = "".join(f". {f.relative_to(root)} {why}" for f, why in list(skipped.items())[:3])
        need = f"{root} needs two pairs, one to train and one to test with"
        raise ValueError(f"{need}; it has {len(both)}{alone}")
    return {pictures[k]: k[:-1] for k in both}, {pictures[k]: labels[k] for k in both}


def _kind(place):
    """Return the name, in small letters, of the folder of pictures or labels in a place, and the others."""
    at = int(bool(place) and place[0].lower() in files.TRAIN + files.TEST)
    name = "".join(place[at : at + 1]).lower()
    return (name, place[:at] + place[at + 1 :]) if name in PICTURES + LABELS else ("", place)


def reader(
    root: Path, labels: dict[Path, Path], size: int, tiles: int | None
) -> tuple[Look, list[str] | None]:
    """Return look(picture), which gives {"x": uint8 (k, 3, size, size)}, and None; where there are labels
    also "mask", uint8 (k, size, size), and the names of its classes."""
    if not labels:
        return lambda image: {"x": read_picture(image, size, tiles=tiles)}, None
    names, numbering, coloured = _classes(root / "classes.txt", list(labels.values()))

    def look(image):
        label = labels[image]
        try:
            _check_sizes(image, label)
            x = read_picture(image, size, tiles=tiles)
            mask = numbers(read_labels(label, size, tiles=tiles, coloured=coloured), numbering, coloured)
        except Exception as e:  # Pillow's readers raise nearly anything on broken files
            raise ValueError(f"with {label.relative_to(root)}: {e or type(e).__name__}") from None
        return {"x": x, "mask": torch.from_numpy(mask)}

    return look, names


def _check_sizes(image, label):
    """ValueError unless both have one size, the picture when it is held upright."""
    w, h = upright_size(image)
    with Image.open(label) as b:
        if (w, h) != b.size:
            raise ValueError(f"the picture has {w} × {h} pixels, its labels have {b.size[0]} × {b.size[1]}")


def _classes(table, labels):
    """Return the names of the classes, the number that each label value stands for, and whether the values
    are colours: from the file table, or without one from all values that occur."""
    if table.is_file():
        lines = [line.strip() for line in table.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        names, colours = zip(*map(_parsed, lines), strict=True) if lines else ((), ())
        keys = [colour for colour in colours if colour is not None]
        coloured = bool(keys)
        if coloured and len(set(keys)) < len(names):
            raise ValueError(f"{table}: give each class a colour of its own like #e8b93f, or none to any")
        if not coloured:
            white = len(names) == 2 and _values(tuple(labels), files.signature(labels)) <= {0, 255}
            keys = [0, 255] if white else range(len(names))
        if not 2 <= len([name for name in names if name.lower() not in IGNORED]) < IGNORE:
            raise ValueError(f"{table} must name 2 to 254 classes, one a line, apart from ignore")
    else:
        keys, coloured = sorted(_values(tuple(labels), files.signature(labels))), False
        names = ["ignore" if key == IGNORE and len(keys) > 2 else str(key) for key in keys]
    counted = [(name, key) for name, key in zip(names, keys, strict=True) if name.lower() not in IGNORED]
    numbering = dict.fromkeys(keys if coloured else [*keys, IGNORE], IGNORE)
    numbering |= {key: number for number, (_, key) in enumerate(counted)}
    return [name for name, _ in counted], numbering, coloured


def _parsed(line):
    """Return name and colour 0xrrggbb, or None, of a line in classes.txt."""
    if (found := COLOUR_FIRST.fullmatch(line)) and max(rgb := [int(v) for v in found.groups()[:3]]) < 256:
        return found[4], rgb[0] << 16 | rgb[1] << 8 | rgb[2]
    name, code = COLOUR_LAST.fullmatch(line).groups()
    return name or f"#{code}", int(code, 16) if code else None


@lru_cache(maxsize=1)  # both splits ask
def _values(labels, signature):
    """Return the values that occur in labels; what can't be read is reported when its pair is read."""
    values = set()
    for file in tqdm(labels, "reading labels", delay=2):
        try:
            found = read_labels(file).ravel()
            few = found.max() < 2**16  # then counting is forty times as fast as sorting
            values.update((np.bincount(found).nonzero()[0] if few else np.unique(found)).tolist())
        except Exception:
            continue
        if len(values) > MOST:
            many = f"the label pictures hold more than {MOST} different values, up to {file}"
            raise ValueError(f"{many}; labels have one value per class")
    return frozenset(values)

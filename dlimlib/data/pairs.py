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
from .decode import numbers, read_labels, read_picture

MOST = 64  # so many different values without a classes.txt are no labels any more
PICTURES = ("images", "image", "imgs", "jpegimages")  # in whatever spelling
LABELS = ("labels", "label", "masks", "mask", "segmentationclass")
IGNORED = ("ignore", "void")
COLOUR_FIRST = re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\S.*)")
COLOUR_LAST = re.compile(r"(.*?)\s*(?:#([0-9a-fA-F]{6}))?")


def kinds(root: Path) -> list[tuple[Path, Path]]:
    """The folders of pictures and of their labels, in root and in its train/ and test/; [] without any."""
    found = []
    inner = [f for f in sorted(root.iterdir()) if f.name.lower() in files.TRAIN + files.TEST and f.is_dir()]
    for base in (root, *inner):
        folders = {f.name.lower(): f for f in sorted(base.iterdir(), reverse=True) if f.is_dir()}
        both = [next((folders[k] for k in names if k in folders), None) for names in (PICTURES, LABELS)]
        if both[0] and both[1]:
            found.append((both[0], both[1]))
    return found


def ready(
    root: Path, size: int, tiles: int | None, skipped: files.Skipped
) -> tuple[files.Places, list[Path], files.Prepare]:
    """The pictures that have labels, each with its folders; the files on which all depends; and prepare(),
    which returns look(picture), {"x": uint8 (k, 3, size, size), "mask": uint8 (k, size, size)}, and notes.

    Files without a partner go to skipped; ValueError in a sentence for fewer than two pairs.
    """
    partner, places = _partners(root, skipped)
    if len(partner) < 2:
        alone = "".join(f". {f.relative_to(root)} {why}" for f, why in list(skipped.items())[:3])
        need = f"{root} needs two pairs, one to train and one to test with"
        raise ValueError(f"{need}; it has {len(partner)}{alone}")
    labels, table = list(partner.values()), root / "classes.txt"

    def prepare():
        names, numbering, coloured = _classes(root, table, labels)

        def look(image):
            label = partner[image]
            try:
                _check_sizes(image, label)
                x = read_picture(image, size, tiles=tiles)
                mask = numbers(read_labels(label, size, tiles=tiles, coloured=coloured), numbering, coloured)
            except Exception as e:  # Pillow's readers raise nearly anything on broken files
                raise ValueError(f"with {label.relative_to(root)}: {e or type(e).__name__}") from None
            return {"x": x, "mask": torch.from_numpy(mask)}

        return look, {"classes": names}

    return places, [*partner, *labels, *([table] if table.is_file() else [])], prepare


def _partners(root, skipped):
    """Each picture's label picture, and the folders that it lies in; those that are alone, or have a twin, go
    to skipped."""
    partner, places = {}, {}
    for pictures, labels in kinds(root):
        named = {}
        for folder in (pictures, labels):
            found = named[folder] = {}
            for file, inner in files.find(folder, skipped).items():
                name = "/".join((*inner, file.stem))
                if name in found:
                    skipped[file] = f"goes by the same name as {found[name].name}"
                else:
                    found[name] = file
        for folder, other in ((pictures, labels), (labels, pictures)):
            for name in named[folder].keys() - named[other].keys():
                skipped[named[folder][name]] = f"has no partner of the same name in {other.relative_to(root)}"
        for name in named[pictures].keys() & named[labels].keys():
            image = named[pictures][name]
            partner[image] = named[labels][name]
            places[image] = (*pictures.relative_to(root).parts[:-1], *name.split("/")[:-1])
    return dict(sorted(partner.items())), places


def _check_sizes(image, label):
    """ValueError unless both have one size, the picture when it is held upright."""
    with Image.open(image) as a, Image.open(label) as b:
        w, h = a.size[::-1] if a.getexif().get(0x0112, 1) >= 5 else a.size
        if (w, h) != b.size:
            raise ValueError(f"the picture has {w} × {h} pixels, its labels have {b.size[0]} × {b.size[1]}")


def _classes(root, table, labels):
    """The names of the classes, the number that each label value stands for, whether the values are colours.

    They come from classes.txt; without one every value that occurs is a class.
    """
    if not table.is_file():
        values = sorted(_values(root, tuple(labels), files.signature(labels)))
        counted = [v for v in values if v != IGNORE or len(values) < 3]  # 0 and 255 are black and white
        return [str(v) for v in counted], {v: IGNORE for v in values} | _order(counted), False
    lines = [line.strip() for line in table.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    names, colours = zip(*map(_parsed, lines), strict=True) if lines else ((), ())
    counted = [i for i, name in enumerate(names) if name.lower() not in IGNORED]
    if not 2 <= len(counted) < IGNORE:
        raise ValueError(f"{table} must name 2 to 254 classes, one a line; it has {len(counted)}")
    known = [colour for colour in colours if colour is not None]
    if known and len(set(known)) < len(names):
        raise ValueError(f"{table}: give each class a colour of its own like #e8b93f, or none to any")
    keys = known or list(range(len(names)))
    if not known and len(names) == 2 and _values(root, tuple(labels), files.signature(labels)) <= {0, 255}:
        keys = [0, 255]
    numbering = {key: IGNORE for key in (keys if known else [*keys, IGNORE])}
    return [names[i] for i in counted], numbering | _order(keys[i] for i in counted), bool(known)


def _order(keys):
    return {key: k for k, key in enumerate(keys)}


def _parsed(line):
    """Name and colour 0xrrggbb, or None, of a line in classes.txt."""
    if (found := COLOUR_FIRST.fullmatch(line)) and max(rgb := [int(v) for v in found.groups()[:3]]) < 256:
        return found[4], rgb[0] << 16 | rgb[1] << 8 | rgb[2]
    name, code = COLOUR_LAST.fullmatch(line).groups()
    return name or f"#{code}", int(code, 16) if code else None


@lru_cache(maxsize=1)  # both splits ask
def _values(root, files, sign):
    """The values that occur in the label pictures; what can't be read is reported when the pair is read."""
    values = set()
    for file in tqdm(files, "reading labels", delay=2):
        try:
            labels = read_labels(file).ravel()
            few = labels.max() < 2**16  # then counting is forty times as fast as sorting
            values.update((np.bincount(labels).nonzero()[0] if few else np.unique(labels)).tolist())
        except Exception:
            continue
        if len(values) > MOST:
            raise ValueError(f"the label pictures in {root} hold more than {MOST} different values, up to "
                             f"{file.relative_to(root)}; labels have one value per class")  # fmt: skip
    return frozenset(values)

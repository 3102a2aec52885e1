"""Your own pictures with labels: a folder with images/ and labels/, whose files go by the same names.

Label pictures hold integers (grey or with a palette, one value per class) or colours. `classes.txt` beside
the two folders names the classes, one a line in the order of their numbers: `skin`, or with its colour
`skin #e8b93f`.
"""

import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from .folder import TEST_SHARE, files, read, share
from .images import Images

MOST = 64  # so many different values without a classes.txt are no labels any more


def there(path):
    """Whether path holds pairs: the sub-folders images and labels."""
    return path is not None and all(Path(path, name).expanduser().is_dir() for name in ("images", "labels"))


def load(path, size=64, split="train", n=None):
    """The pairs of a folder, or the first n, as Images with x (N, 3, size, size) and mask (N, size, size).

    About a tenth of them, chosen by name, are the test split. ValueError in a sentence for what doesn't fit.
    """
    root = Path(path).expanduser()
    partner = _partners(root)
    if len(partner) < 2:
        raise ValueError(f"{root} needs two pairs, one to train and one to test with; it has {len(partner)}")
    order = sorted(partner, key=lambda f: share(root, f))
    cut = max(sum(share(root, f) < TEST_SHARE for f in order), 1)
    names, values, coloured = _classes(root, partner.values())
    x, mask = [], []
    for image in tqdm((order[cut:] if split == "train" else order[:cut])[:n], "reading pairs", delay=2):
        label = partner[image]
        try:
            _check_sizes(image, label)
            x.append(read(image, size))
            mask.append(numbers(read_labels(label, size, coloured=coloured), values, coloured))
        except Exception as e:  # Pillow's readers raise nearly anything on broken files
            both = f"{image.relative_to(root)} with {label.relative_to(root)}"
            raise ValueError(f"{both}: {e or type(e).__name__}") from None
    x, mask = torch.stack(x), torch.from_numpy(np.stack(mask))
    return Images(root.resolve().name, "1", x, mask=mask, mask_classes=names, mirror=True)


def _partners(root):
    """Each picture's label picture; ValueError lists those that are alone or have a twin."""
    images, labels = {}, {}
    for found, kind in ((images, "images"), (labels, "labels")):
        for file in sorted(files(root / kind)):
            name = file.relative_to(root / kind).with_suffix("").as_posix()
            if name in found:
                raise ValueError(f"{kind}/ has {found[name].name} and {file.name}, so the name is not unique")
            found[name] = file
    for lonely, other in ((images.keys() - labels, "labels"), (labels.keys() - images, "images")):
        if lonely := sorted(lonely):
            shown = ", ".join(lonely[:3]) + (f" and {len(lonely) - 3} more" if lonely[3:] else "")
            raise ValueError(f"{root}: there is no partner of the same name in {other}/ for {shown}")
    return {images[name]: labels[name] for name in images}


def _check_sizes(image, label):
    """ValueError unless both have one size, the picture when it is held upright."""
    with Image.open(image) as a, Image.open(label) as b:
        w, h = a.size[::-1] if a.getexif().get(0x0112, 1) >= 5 else a.size
        if (w, h) != b.size:
            raise ValueError(f"the picture has {w} × {h} pixels, its labels have {b.size[0]} × {b.size[1]}")


def read_labels(file, size=None, *, coloured=False):
    """A label picture, its central square shrunk to size × size without mixing values: integers (H, W), of
    colours 0xrrggbb."""
    with Image.open(file) as image:
        if image.format in ("JPEG", "MPO"):
            raise ValueError("JPEG changes the labels; save label pictures as PNG")
        if size:
            image = ImageOps.fit(image, (size, size), Image.Resampling.NEAREST)
        if not coloured and image.mode in ("1", "L", "P", "I", "I;16", "I;16B"):
            return np.asarray(image).astype(np.int64)
        rgb = np.asarray(image.convert("RGB")).astype(np.int64)
    if coloured:
        return rgb @ np.array([0x10000, 0x100, 1])
    if (rgb != rgb[..., :1]).any():
        raise ValueError("the labels are colours, and no classes.txt says which one is what")
    return rgb[..., 0]


def _classes(root, labels):
    """The names of the classes, the value that stands for each, and whether the values are colours.

    They come from classes.txt; without one every value that occurs is a class.
    """
    table, values = root / "classes.txt", set()
    if table.is_file():
        lines = [line.strip() for line in table.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        pairs = [re.fullmatch(r"(.*?)\s*(?:#([0-9a-fA-F]{6}))?", line).groups() for line in lines]
        names, colours = [name or f"#{code}" for name, code in pairs], [code for _, code in pairs if code]
        if not 2 <= len(names) <= 256:
            raise ValueError(f"{table} must name 2 to 256 classes, one a line; it has {len(names)}")
        if colours and len({code.lower() for code in colours}) < len(names):
            raise ValueError(f"{table}: give each class a colour of its own like #e8b93f, or none to any")
        return names, [int(code, 16) for code in colours] or list(range(len(names))), bool(colours)
    for file in tqdm(labels, "reading labels", delay=2):
        try:
            values.update(np.unique(read_labels(file)).tolist())
        except Exception as e:
            raise ValueError(f"{file.relative_to(root)}: {e or type(e).__name__}") from None
        if len(values) > MOST:
            raise ValueError(f"the pictures in {root / 'labels'} hold more than {MOST} different values; "
                             "labels have one value per class")  # fmt: skip
    return [str(value) for value in sorted(values)], sorted(values), False


def numbers(labels, values, coloured=False):
    """The place of each label (H, W) among the values, uint8; ValueError for one that is not there."""
    order = np.argsort(values)
    place = order[np.searchsorted(values, labels, sorter=order).clip(max=len(values) - 1)]
    if (wrong := np.asarray(values)[place] != labels).any():
        shown = f"#{labels[wrong][0]:06x}" if coloured else labels[wrong][0]
        raise ValueError(f"there is a label {shown}, which is none of the {len(values)} classes")
    return place.astype(np.uint8)

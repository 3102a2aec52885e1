"""Your own pictures: a folder of image files as square RGB pictures of one size."""

import warnings
from pathlib import Path

import torch

from ..settings import home
from . import cache, files, sides
from . import pairs as labelled
from .images import Images

VERSION = "1"  # goes up when the same files give other pictures
SHOWN = 20  # so many of the files that were skipped are named


def load(
    split: str,
    size: int | None,
    n: int | None,
    *,
    path: str | Path | None = None,
    split_by: str | None = None,
    tiles: int | None = None,
    pairs: bool | None = None,
) -> Images:
    """Return every picture below path, or the first n, as Images (N, 3, size, size), 64 by default; with a
    mask where path holds images/ and labels/. The outermost sub-folders become classes; train/ and test/ are
    the splits. pairs=True: pairs of pictures, the second ones as the field "target".

    What can't be read is skipped and listed in one warning.
    """
    root, size = files.root_of(path), size or 64
    skipped: files.Skipped = {}
    match = sides.match if pairs else labelled.match
    places, partners = match(root, files.find(root, skipped), skipped)
    chosen, groups, given = files.divide(places, split, split_by=split_by, tiles=tiles)
    mark = files.signature([*places, *partners.values(), *root.glob("classes.txt")])
    kind = "pairs" if pairs else bool(partners)
    key = files.digest(VERSION, str(root.resolve()), kind, split, size, n, split_by, tiles)

    def decode():
        if pairs:
            look, classes = sides.reader(partners, size, tiles), None
        else:
            look, classes = labelled.reader(root, partners, size, tiles)
        tensors, broken = files.decoded(chosen, look, n)
        return tensors, {"classes": classes, "broken": broken}

    tensors, notes = cache.kept(home() / "data" / f"folder-{key}.safetensors", decode, mark=mark)
    broken = {chosen[i]: why for i, why in notes["broken"]}
    used = tensors.get("from", torch.empty(0))
    if (partners or pairs) and len(broken) > len(used.unique()):
        shown = "; ".join(f"{f.relative_to(root)} {why}" for f, why in list(broken.items())[:3])
        raise ValueError(f"{len(broken)} of the pairs in {root} don't fit: {shown}")
    said = []
    if skipped := skipped | broken:
        listed = [f"{f.relative_to(root)} ({why})" for f, why in sorted(skipped.items())]
        more = [f"and {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
        said.append(f"skipped {len(listed)} of the files in {root}: {'; '.join(listed[:SHOWN] + more)}")
    if split == "test" and 0 < len(used) < min(n or files.TEST_LEAST, files.TEST_LEAST):
        why = "its folder has no more" if given else f"it takes at most half of the {len(places)} files"
        short = f"{len(used)} of the {files.TEST_LEAST} pictures that are looked at"
        said.append(f"the test split of {root} has {short}; {why}")
    if said:
        warnings.warn("\n".join(said), stacklevel=3)
    if not len(used):
        need = "two pictures, one to train and one to test with" if places else "pictures"
        raise ValueError(f"{root} needs {need} (JPEG, PNG, GIF, WebP …), also in sub-folders; put some there")
    masks = {"mask": tensors.get("mask"), "mask_classes": notes["classes"]}
    extra = {"target": tensors["target"]} if pairs else None
    images = Images(root.resolve().name, "1", tensors["x"], mirror=True, extra=extra, **masks)
    if any(groups.values()) and not (partners or pairs):
        # by the names in both splits, which are to have the same classes
        names = {f: group or images.name for f, group in groups.items()}
        images.classes = sorted(set(names.values()))
        number = {name: k for k, name in enumerate(images.classes)}
        images.y = torch.tensor([number[names[chosen[i]]] for i in used.tolist()])
    return images

"""Your own pairs of pictures: two folders A/ and B/ whose files go by the same names, or both halves of a
pair side by side in one picture, as in the data sets of pix2pix (Isola et al. 2017)."""

from pathlib import Path

from .decode import read_picture, upright_size
from .files import TEST, TRAIN, Look, Places, Skipped


def match(root: Path, places: Places, skipped: Skipped) -> tuple[Places, dict[Path, Path]]:
    """Return the pictures in A, each with its folders but A, and the partner of each in B; the places as they
    are, and {}, where there are no folders A and B.

    The folders may be called trainA, testB … as well, and files may end in _A and _B. What has no partner
    goes to skipped; ValueError in a sentence for fewer than two pairs.
    """
    sides: dict[str, dict[tuple[str, ...], Path]] = {"a": {}, "b": {}}
    for file, place in places.items():
        side, rest = _side(place)
        if side:
            stem = file.stem[:-2] if file.stem.lower().endswith(f"_{side}") else file.stem
            sides[side][(*rest, stem)] = file
    left, right = sides.values()
    if not (left and right):
        return places, {}
    skipped |= {f: "lies neither in A nor in B" for f, place in places.items() if not _side(place)[0]}
    skipped |= {f: "has no partner of the same name in B" for name, f in left.items() if name not in right}
    skipped |= {f: "has no partner of the same name in A" for name, f in right.items() if name not in left}
    both = sorted(left.keys() & right.keys())
    if len(both) < 2:
        raise ValueError(f"{root} needs two pairs, one to train and one to test with; it has {len(both)}")
    return {left[name]: name[:-1] for name in both}, {left[name]: right[name] for name in both}


def _side(place):
    """Return "a", "b" or "", and the other folders of a place; trainA counts as train and A."""
    for i, name in enumerate(place):
        split, side = name.lower()[:-1], name.lower()[-1:]
        if side in ("a", "b") and split in ("", *TRAIN, *TEST):
            return side, (*filter(None, [split]), *place[:i], *place[i + 1 :])
    return "", place


def reader(partners: dict[Path, Path], size: int, tiles: int | None) -> Look:
    """Return look(picture), which gives {"x", "target"}, uint8 (k, 3, size, size) each."""

    def look(image):
        if partners:
            files, cuts = (image, partners[image]), ({}, {})
            one, other = map(upright_size, files)
            if one != other:
                raise ValueError("has {} × {} pixels, its partner {} × {}".format(*one, *other))
        else:
            files, cuts = (image, image), ({"half": 0}, {"half": 1})
            width, height = upright_size(image)
            if width < 1.5 * height:
                raise ValueError(f"is not two pictures side by side, with {width} × {height} pixels")
        x, target = (read_picture(f, size, tiles=tiles, **cut) for f, cut in zip(files, cuts, strict=True))
        return {"x": x, "target": target}

    return look

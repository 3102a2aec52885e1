"""What folders of your own have in common: finding the files, splitting them, decoding them."""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm.auto import tqdm

TEST_SHARE, TEST_LEAST = 0.1, 16  # the notebooks look at the first 16 of the test split
TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
STRAY = {"thumbs.db", "desktop.ini"}  # what systems leave behind; the others' names begin with a dot
Skipped = dict[Path, str]  # what can't be used, and why
Places = dict[Path, tuple[str, ...]]  # a file -> the folders that it lies in
Tensors = dict[str, torch.Tensor]
Look = Callable[[Path], Tensors]  # some rows of each kind from a file


def root_of(path: str | Path | None) -> Path:
    """Return the folder at path; a sentence where there is none."""
    if path is None:
        raise ValueError('say where your pictures are: load("folder", path="my/photos")')
    root = Path(path).expanduser()
    if root.is_file():
        raise NotADirectoryError(f"{root} is a file; path= takes the folder with the pictures, unpacked")
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root} in {Path.cwd()}; give path= a folder of pictures")
    return root


def find(root: Path, skipped: Skipped) -> Places:
    """Return every file below root that may be a picture; what else lies there goes to skipped. Hidden files
    are passed over, links to folders are followed once, and after everything that lies there itself.

    PermissionError if root itself can't be opened.
    """

    def closed(error):
        skipped[Path(error.filename)] = f"the folder can't be opened: {error.strerror}"

    endings, found, seen, tops = Image.registered_extensions(), {}, set(), [root]
    while tops:
        for path, inner, names in os.walk(tops.pop(0), onerror=closed):
            folder, real = Path(path), os.path.realpath(path)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            place = folder.relative_to(root).parts
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            tops += [link for name in inner if (link := folder / name).is_symlink()]
            for name in sorted(names):
                file, ending = folder / name, os.path.splitext(name.lower())[1]
                if name.startswith(".") or name.lower() in STRAY or not os.path.isfile(file):
                    continue
                if ending in endings or not ending:
                    found[file] = place
                else:
                    heic = ending in (".heic", ".heif")
                    skipped[file] = "HEIC is not understood here, export it as JPEG" if heic else "no picture"
    if root in skipped:
        raise PermissionError(f"{root}: {skipped[root]}")
    return found


def divide(
    places: Places, split: str, *, split_by: str | None = None, tiles: int | None = None
) -> tuple[list[Path], dict[Path, str], bool]:
    """Return the files of a split, in an order of their own; the outermost folder of every file (a class, a
    person, a film; "" without one), not counting train/ and test/; and whether those decide the split.

    Where they are not there the names do: a tenth of the files is the test split, or of the outermost folders
    with split_by="folder", and at least 16 files (2 where each is cut into tiles), but never more than half.
    """
    if split_by not in (None, "folder"):
        raise ValueError(f'split_by must be "folder" or None, got {split_by!r}')
    names = {f: "/".join((*place, f.name)) for f, place in places.items()}
    order = sorted(places, key=lambda f: share(names[f]))
    groups = {f: "".join(place[:1]) for f, place in places.items()}
    outer = {f: name.lower() for f, name in groups.items()}
    side = next((name for name in TEST if name in outer.values()), None)
    given = side is not None and not set(TRAIN).isdisjoint(outer.values())
    if given:
        test = {f for f in places if outer[f] == side}
        groups = {f: "".join(place[outer[f] in TRAIN + TEST :][:1]) for f, place in places.items()}
    else:
        if split_by and len(set(groups.values())) < 2:
            raise ValueError('split_by="folder" needs two folders, one to test with')
        together: dict[str, list[Path]] = {}
        for f in order:
            together.setdefault(split_by and groups[f] or names[f], []).append(f)
        test, least = set(), min(2 if tiles else TEST_LEAST, len(order) // 2)
        for name in sorted(together, key=share):
            if share(name) >= TEST_SHARE and len(test) >= least:
                break
            if len(test) + len(together[name]) <= len(order) / 2:
                test.update(together[name])
    return [f for f in order if (f in test) == (split == "test")], groups, given


def share(name: str) -> float:
    """Return a number in [0, 1) that depends on the name alone, the same on every system."""
    name = unicodedata.normalize("NFC", name)
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6], "big") / 2**48


def digest(*things: Any) -> str:
    """Return 32 digits that change with any of the things, as they are written in Python."""
    return hashlib.blake2b(repr(things).encode(), digest_size=16).hexdigest()


def signature(files: Iterable[Path]) -> str:
    """Return 32 digits that change with the names, sizes and times of the files."""
    return digest(*((str(f), s.st_size, s.st_mtime_ns) for f in files if (s := f.stat())))


def decoded(files: list[Path], look: Look, n: int | None) -> tuple[Tensors, list[tuple[int, str]]]:
    """Return the first n rows that look gives for the files, one tensor of each kind, with "from", the number
    of each row's file; and the numbers of the files that failed, with the reason."""
    bytes_of: dict[str, bytearray] = {}
    origin: list[int] = []
    shapes, broken = {}, []
    for i, file in enumerate(tqdm(files, "reading pictures", delay=2)):
        if n is not None and len(origin) >= n:
            break
        try:
            rows = look(file)
        except Exception as e:  # Pillow's readers raise nearly anything on broken files
            broken.append((i, str(e).replace(repr(str(file)), "").strip()[:200] or type(e).__name__))
            continue
        for kind, t in rows.items():
            shapes[kind] = t.shape[1:]
            bytes_of.setdefault(kind, bytearray()).extend(t.numpy().tobytes())  # grows without a second copy
        origin += [i] * len(t)
    if not origin:
        return {}, broken
    whole = {k: torch.frombuffer(b, dtype=torch.uint8).view(-1, *shapes[k]) for k, b in bytes_of.items()}
    return {k: t[:n] for k, t in (whole | {"from": torch.tensor(origin)}).items()}, broken

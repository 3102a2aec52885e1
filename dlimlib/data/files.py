"""What folders of your own have in common: finding the files, splitting them, keeping what was decoded."""

import hashlib
import os
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm.auto import tqdm

from ..settings import home
from . import cache

VERSION = "1"  # goes up when the same files give other pictures
TEST_SHARE, TEST_LEAST = 0.1, 16  # the notebooks look at the first 16 of the test split
TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
LONG = 0.5  # seconds: what is decoded faster is not worth a file in the cache
STRAY = {"thumbs.db", "desktop.ini"}  # what systems leave behind; the others' names begin with a dot
Skipped = dict[Path, str]  # what can't be used, and why
Places = dict[Path, tuple[str, ...]]  # a file -> the folders that it lies in
Tensors = dict[str, torch.Tensor]
Prepare = Callable[[], tuple[Callable[[Path], Tensors], dict[str, Any]]]  # makes a reader, and notes to keep


def root_of(path: str | Path | None) -> Path:
    """The folder at path; a sentence where there is none."""
    if path is None:
        raise ValueError('say where your pictures are: load("folder", path="my/photos")')
    root = Path(path).expanduser()
    if root.is_file():
        raise NotADirectoryError(f"{root} is a file; path= takes the folder with the pictures, unpacked")
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root} in {Path.cwd()}; give path= a folder of pictures")
    try:
        os.scandir(root).close()
    except OSError as e:
        raise PermissionError(f"the folder {root} can't be opened: {e.strerror}") from None
    return root


def find(root: Path, skipped: Skipped) -> Places:
    """Every file below root that may be a picture; what else lies there goes to skipped. Hidden files are
    passed over, links to folders are followed once, and after everything that lies there itself."""
    endings, found, seen = Image.registered_extensions(), {}, set()
    folders: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    links: list[tuple[Path, tuple[str, ...]]] = []
    while folders or links:
        folder, place = folders.pop() if folders else links.pop(0)
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as e:
            skipped[folder] = f"the folder can't be opened: {e.strerror}"
            continue
        for entry in entries:
            file, name = Path(entry.path), entry.name.lower()
            ending = os.path.splitext(name)[1]
            if name.startswith(".") or name in STRAY:
                continue
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append((file, (*place, entry.name)))
            elif entry.is_file() and (ending in endings or not ending):
                found[file] = place
            elif entry.is_file():
                heic = ending in (".heic", ".heif")
                skipped[file] = "HEIC is not understood here, export it as JPEG" if heic else "no picture"
    return found


def layout(places: Places) -> tuple[dict[Path, str], set[Path] | None]:
    """The outermost folder of each file (a class, a person, a film; "" without one), not counting train/ and
    test/; and the files of test/, or of val/ where there is no test/: None unless train/ is there as well."""
    outer = {place[0].lower() for place in places.values() if place}
    test = next((name for name in TEST if name in outer), None) if outer.intersection(TRAIN) else None
    if test is None:
        return {f: place[0] if place else "" for f, place in places.items()}, None
    inner = {
        f: place[1:] if place and place[0].lower() in TRAIN + TEST else place for f, place in places.items()
    }
    ours = {f for f, place in places.items() if place and place[0].lower() == test}
    return {f: place[0] if place else "" for f, place in inner.items()}, ours


def divide(
    places: Places, split: str, *, split_by: str | None = None, tiles: int | None = None
) -> list[Path]:
    """The files of a split, in an order of their own. Where there are train/ and test/, those decide; else
    the names: a tenth of the files is the test split, or of the outermost folders with split_by="folder", and
    at least 16 files (2 where each is cut into tiles), but never more than half."""
    if split_by not in (None, "folder"):
        raise ValueError(f'split_by must be "folder" or None, got {split_by!r}')
    names = {f: "/".join((*place, f.name)) for f, place in places.items()}
    order, (groups, test) = sorted(places, key=lambda f: share(names[f])), layout(places)
    if test is None:
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
    return [f for f in order if (f in test) == (split == "test")]


def share(name: str) -> float:
    """A number in [0, 1) that depends on the name alone, the same on every system."""
    name = unicodedata.normalize("NFC", name)
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6], "big") / 2**48


def decoded(
    root: Path, files: list[Path], prepare: Prepare, n: int | None, *, mark: list[Path], options: list[Any]
) -> tuple[Tensors, dict[str, Any], Skipped]:
    """The first n rows that look(file) gives for the files, with "from", the number of each row's file; the
    notes; and the files that failed. prepare() returns look and the notes.

    What took long is kept in the cache under the folder's path and the options, as long as names, sizes and
    times of the files in mark stay what they are.
    """
    key = "\n".join(map(str, [VERSION, root.resolve(), n, *options])).encode(errors="surrogateescape")
    path = home() / "data" / f"folder-{hashlib.blake2b(key, digest_size=10).hexdigest()}.safetensors"
    tensors, notes = cache.read(path, mark=(now := signature(mark)))
    if not tensors:
        begun = time.perf_counter()
        look, notes = prepare()
        tensors, notes["broken"] = _rows(files, look, n)
        if tensors and time.perf_counter() - begun > LONG:
            cache.write(path, tensors, now, **notes)
    return tensors, notes, {files[int(i)]: why for i, why in notes["broken"].items()}


def signature(files: list[Path]) -> str:
    """A line that changes with the names, sizes and times of the files."""
    stats = ((f, f.stat()) for f in files)
    lines = "\n".join(f"{f} {s.st_size} {s.st_mtime_ns}" for f, s in stats)
    return hashlib.blake2b(lines.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _rows(files, look, n):
    """One tensor of each kind that look gives, and the numbers of the files that failed, with the reason."""
    bytes_of, shapes, origin, broken = {}, {}, [], {}
    for i, file in enumerate(tqdm(files, "reading pictures", delay=2)):
        if n is not None and len(origin) >= n:
            break
        try:
            rows = look(file)
        except Exception as e:  # Pillow's readers raise nearly anything on broken files
            broken[str(i)] = str(e).replace(repr(str(file)), "").strip()[:200] or type(e).__name__
            continue
        for kind, t in rows.items():
            shapes[kind] = t.shape[1:]
            bytes_of.setdefault(kind, bytearray()).extend(t.numpy().tobytes())  # grows without a second copy
        origin += [i] * len(t)
    whole = {k: torch.frombuffer(b, dtype=torch.uint8).view(-1, *shapes[k]) for k, b in bytes_of.items()}
    tensors = {k: t[:n] for k, t in whole.items()}
    return tensors | ({"from": torch.tensor(origin[:n])} if origin else {}), broken

"""The files that were handed in, in a folder or a zip: nothing is unpacked, and what they claim is capped."""

import os
import re
import stat
import zipfile
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..notebook import MAX_FILE
from .release import Refused

MAX_FILES, MAX_NOTEBOOKS = 200_000, 20_000  # all that lies there, and the notebooks among it
MAX_ALL = 4 << 30  # bytes of all notebooks together
MAX_DEPTH = 30  # folders; of deeper places the first ones count, and the name


class File(NamedTuple):
    """A file that was handed in: its place as folders and name, when, how large, how to read it."""

    place: tuple
    time: float
    size: int
    read: object

    @property
    def is_notebook(self):
        return self.place[-1].lower().endswith(".ipynb")


def files_in(source, but):
    """Return the Files of a folder or zip, in order, without the folder `but`; Refused in a sentence where
    that can't be."""
    found = [f for f in (_in_folder(source, but) if source.is_dir() else _in_zip(source)) if f.place]
    sizes = [file.size for file in found if file.is_notebook and file.size <= MAX_FILE]
    if len(found) > MAX_FILES or len(sizes) > MAX_NOTEBOOKS or sum(sizes) > MAX_ALL:
        raise Refused(
            f"{source} holds {len(found):,} files, among them {len(sizes):,} notebooks of "
            f"{sum(sizes) / 1e9:.1f} GB: more than a course hands in"
        )
    return sorted(found, key=lambda file: file.place)


def _in_folder(source, but):
    source, but = source.resolve(), but.resolve()

    def stop(error):
        raise Refused(f"{error.filename} can't be read: {error.strerror}")

    for folder, folders, names in os.walk(source, onerror=stop):
        here = Path(folder)
        if here == but != source:
            folders.clear()
            continue
        for name in names:
            path = here / name
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                read = _capped(partial(path.open, "rb"))
                yield File(path.relative_to(source).parts, about.st_mtime, about.st_size, read)


def _in_zip(source):
    try:
        archive = zipfile.ZipFile(source)
    except Exception:  # whatever a damaged one raises
        raise Refused(f"{source} is neither a folder nor a zip that can be read") from None
    for entry in archive.infolist():
        kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where it was not packed on Unix
        if kind in (0, stat.S_IFREG) and not entry.is_dir():
            when = float("".join(f"{part:02d}" for part in entry.date_time))  # that later is larger is enough
            yield File(_place(entry), when, entry.file_size, _capped(partial(archive.open, entry)))


def _place(entry):
    """Return folders and name of an entry: names only, so that none leads out of the place it is read to."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # no UTF-8, or said so by nobody: as Windows and older zips write it
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            pass
    parts = PurePosixPath(name.replace("\\", "/")).parts
    parts = [p for p in parts if p not in ("/", "//", "..") and not re.fullmatch("[A-Za-z]:", p)]
    return (*parts[:-1][:MAX_DEPTH], *parts[-1:])


def _capped(opened):
    """Return a function that reads what is opened, whatever size it claims to have."""

    def read():
        with opened() as stream:
            data = stream.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ValueError(f"larger than {MAX_FILE >> 20} MB")
        return data

    return read

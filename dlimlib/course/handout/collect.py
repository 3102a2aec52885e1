"""What students hand in, sorted into submitted/STUDENT/NN/, whatever the platform made of it."""

import argparse
import csv
import json
import os
import re
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .release import Refused

MAX_FILES, MAX_FILE, MAX_ALL = 20_000, 200 << 20, 8 << 30  # bytes: a notebook, all of them together
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file_?")
NUMBER = re.compile(r"(?<!\d)\d\d(?!\d)")
ASIDE = {"__MACOSX", ".ipynb_checkpoints", ".git"}


class File(NamedTuple):
    """A file that was handed in: its place as folders and name, when, how large, how to read it."""

    place: tuple
    time: float
    size: int
    read: object


class Found(NamedTuple):
    """What was collected: {(student, NN): File}, and a sentence for whatever a teacher should look at."""

    notebooks: dict
    notes: list


def files_in(source):
    """Return the Files of a folder or zip, in order; Refused in a sentence where that can't be."""
    if source.is_dir():
        paths = [p for p in sorted(source.rglob("*")) if p.is_file() and not p.is_symlink()]
        stats = [path.stat() for path in paths]
        found = [
            File(path.relative_to(source).parts, stat.st_mtime, stat.st_size, path.read_bytes)
            for path, stat in zip(paths, stats, strict=True)
        ]
    else:
        try:
            archive = zipfile.ZipFile(source)
        except (OSError, zipfile.BadZipFile):
            raise Refused(f"{source} is neither a folder nor a zip that can be read") from None
        entries = sorted((e for e in archive.infolist() if not e.is_dir()), key=lambda e: e.filename)
        found = [File(_place(e), _seconds(e), e.file_size, _reader(archive, e)) for e in entries if _plain(e)]
    if len(found) > MAX_FILES or sum(file.size for file in found) > MAX_ALL:
        size = sum(file.size for file in found) / 1e9
        raise Refused(f"{source} holds {len(found):,} files of {size:.1f} GB, more than a course hands in")
    return found


def _plain(entry):
    """Whether an entry of a zip is a file and no link (the upper bits hold what Unix makes of it)."""
    return entry.external_attr >> 28 in (0, 8)


def _place(entry):
    """Return folders and name of an entry: names only, so that none leads out of the place it is read to."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # no UTF-8, or said so by nobody: as Windows and older zips write it
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            pass
    return tuple(
        p for p in PurePosixPath(name.replace("\\", "/")).parts if p not in ("/", "..") and ":" not in p
    )


def _seconds(entry):
    return float("".join(f"{part:02d}" for part in entry.date_time))  # later is larger, and that is enough


def _reader(archive, entry):
    def read():
        with archive.open(entry) as stream:
            data = stream.read(MAX_FILE + 1)  # whatever size it claims to have
        if len(data) > MAX_FILE:
            raise ValueError(f"is larger than {MAX_FILE >> 20} MB")
        return data

    return read


def owner(place, stem):
    """Return the student whom a place names: Moodle's name and number in a folder, the first folder, or what
    stands in the file's name beside the notebook's own, `stem`. None where nobody can be told."""
    for part in place[:-1]:
        if match := MOODLE.match(part):
            return tidy(f"{match['name']}_{match['id']}")
    if len(place) > 1:
        return tidy(place[0])
    rest = place[0].removesuffix(".ipynb").replace(stem, " ")
    rest = re.sub(r"^\s*copy of\b|\(\d+\)\s*$", " ", rest, flags=re.I)  # as Drive and browsers name copies
    return tidy(rest.strip(" _-")) if re.search(r"[^\W\d_]", rest) else None


def tidy(name):
    """Return a name as a folder can have it: letters of any script, digits, - and _; None if none is left."""
    return re.sub(r"[^\w-]+", "-", name).strip("-_")[:80] or None


def which(place, names):
    """Return the number of the notebook that a place names, from {NN: name}, and how it does; (None, "")."""
    for part in reversed(place):
        for number, name in names.items():
            if name in part:
                return number, name
    for part in reversed(place):
        if (match := NUMBER.search(part)) and match[0] in names:
            return match[0], match[0]
    return None, ""


def bare(files, names):
    """Return the Files without a folder that holds them all, where one still knows whose each of them is."""
    inner = [file._replace(place=file.place[1:]) for file in files]
    books = [file for file in inner if file.place and file.place[-1].endswith(".ipynb")]
    one = len({file.place[0] for file in files}) == 1 and len(books) > 1
    known = one and all(owner(file.place, which(file.place, names)[1]) for file in books)
    return bare([file for file in inner if file.place], names) if known else files


def sort(files, names, only=None):
    """Return what was Found among Files, for notebooks {NN: name}; of several versions the newest counts."""
    notebooks, notes = {}, []
    files = [f for f in files if f.place and not ASIDE & set(f.place) and not f.place[-1].startswith(".")]
    for file in bare(files, names):
        name, (number, stem) = "/".join(file.place), which(file.place, names)
        student = owner(file.place, stem)
        if not name.endswith(".ipynb"):
            notes.append(f"{name}: no notebook, left where it is")
        elif file.size > MAX_FILE:
            notes.append(f"{name}: larger than {MAX_FILE >> 20} MB, left where it is")
        elif not number or not student:
            notes.append(f"{name}: its name does not say {'whose' if number else 'which notebook'} it is")
        elif only and number != only:
            notes.append(f"{name}: is notebook {number}, not {only}")
        else:
            versions = sorted([file, *notebooks.pop((student, number), [])], key=lambda f: (f.time, f.place))
            notebooks[student, number] = versions
    for (student, _), versions in notebooks.items():
        notes += [f"{'/'.join(file.place)}: an older version of {student}'s" for file in versions[:-1]]
    return Found({key: notebooks[key][-1] for key in sorted(notebooks)}, notes)


def collect(source, to, names, *, only=None):
    """Write what is handed in at `source` to to/STUDENT/NN/, under the notebook's own name from {NN: name};
    returns what was Found, with a sentence for each file that could not be read or is no notebook inside."""
    found = sort(files_in(source), names, only)
    kept, notes = {}, list(found.notes)
    for (student, number), file in found.notebooks.items():
        place = "/".join(file.place)
        try:
            data = file.read()
        except (
            OSError,
            ValueError,
            RuntimeError,
            zipfile.BadZipFile,
        ) as error:  # damaged, or with a password
            notes.append(f"{place}: can't be read ({error})")
            continue
        if problem := broken(data):
            notes.append(f"{place}: {problem}; collected as it is")
        target = to / student / number / f"{names[number]}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.new")
        aside.write_bytes(data)
        os.replace(aside, target)
        kept[student, number] = file
    return Found(kept, notes)


def broken(data):
    """Return what is wrong with the bytes of a notebook, or None."""
    try:
        nb = json.loads(data)
    except (ValueError, RecursionError):
        return "is no JSON"
    cells = nb.get("cells") if isinstance(nb, dict) else None
    return None if isinstance(cells, list) and cells else "holds no cells"


def listed(path):
    """Return the names in the first column of a CSV file, without its head; Refused in a sentence."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            rows = [row[0] for row in csv.reader(stream) if row and row[0].strip()]
    except (OSError, UnicodeError, csv.Error) as error:
        raise Refused(f"{path} can't be read as a list of students: {error}") from None
    return [tidy(name) for name in rows[1:]]


def main(argv):
    """`python -m dlimlib course collect`; returns the exit code."""
    from ..record import find

    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course collect",
        description="Sort what students handed in: a folder for each, or the zip of Moodle or Classroom.",
    )
    parser.add_argument("source", type=Path, metavar="DIR|ZIP", help="what was downloaded")
    parser.add_argument(
        "--to", type=Path, default=Path("submitted"), metavar="FOLDER", help="default: submitted"
    )
    parser.add_argument("--only", metavar="NN", help="only this notebook, e.g. 03")
    parser.add_argument(
        "--students", type=Path, metavar="CSV", help="who should have: names in the first column"
    )
    options = parser.parse_args(argv)
    try:
        expected = listed(options.students) if options.students else []
        names = {path.stem[:2]: path.stem for path in find(["all"])}
        found = collect(options.source, options.to, names, only=options.only)
    except (Refused, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    for student, number in found.notebooks:
        print(f"{number}  {student}")
    for note in sorted(found.notes):
        print(f"  note: {note}")
    handed = {student for student, _ in found.notebooks}
    missing = [
        name
        for name in expected
        if not any(given == name or given.startswith(f"{name}_") for given in handed)
    ]
    print(f"{len(found.notebooks)} notebooks of {len(handed)} students in {options.to}")
    if missing:
        print(f"{len(missing)} have handed in nothing: {', '.join(missing)}")
    return 0

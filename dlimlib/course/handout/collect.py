"""What students hand in, sorted into submitted/STUDENT/NN/, whatever the platform made of it."""

import argparse
import csv
import itertools
import json
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from ..grading.judge import plain
from ..notebook import MAX_FILE, put
from ..record import find
from .incoming import files_in
from .release import Refused

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file")
NUMBER = re.compile(r"(?<!\d)\d\d(?!\d)")
ITSELF = re.compile(rb'check_my_work\(\\"(\w+)\.ipynb')  # the last cell of a student edition
ASIDE = {"__MACOSX", ".ipynb_checkpoints", ".git"}


class Found(NamedTuple):
    """What was collected: {(student, NN): File}, and a sentence for whatever a teacher should look at."""

    notebooks: dict
    notes: list


# ---------------------------------------------------------------------------------------- whose, and which


def tidy(name):
    """Return a name as a folder can have it: letters of any script, digits, - and _; None if none is left."""
    kinds = ((c, unicodedata.category(c)[0]) for c in unicodedata.normalize("NFC", name))
    text = "".join(c if kind in "LMN" or c in "-_" else " " for c, kind in kinds)
    return "-".join(text.split()).strip("-_")[:60] or None  # in bytes it may be four times as long


def which(file, names):
    """Return the number of the notebook that a File is, from {NN: name}, and the part of its place that says
    so: its name, what stands in it, or a number. (None, "") where nothing does."""
    parts = file.place[::-1]
    for part, (number, name) in itertools.product(parts, names.items()):
        if name in part:
            return number, name
    if itself := ITSELF.search(content(file)[0]):
        for number, name in names.items():
            if name == itself[1].decode():
                return number, ""
    for part in parts:
        if (match := NUMBER.search(part)) and match[0] in names:
            return match[0], match[0]
    return None, ""


def owner(place, said):
    """Return the student whom a place names: Moodle's name and number, the first folder, or what stands in
    the file's name beside what `said` which notebook it is. None where nobody can be told."""
    if match := MOODLE.match(place[0]):
        return "_".join(filter(None, (tidy(match["name"]), match["id"])))
    if len(place) > 1:
        return tidy(place[0])
    rest = re.sub(r"\.ipynb$", "", place[0], flags=re.I)
    rest = rest.replace(said, " ") if said else rest
    rest = re.sub(r"^\s*copy of\b|\(\d+\)\s*$", " ", rest, flags=re.I)  # as Drive and browsers name copies
    return tidy(rest) if re.search(r"[^\W\d_]", rest) else None


def bare(found):
    """Return [(place, number, said)] without the folders that hold them all, where students stand below."""
    inner = found
    while len({place[0] for place, *_ in inner}) == 1 and all(len(place) > 1 for place, *_ in inner):
        inner = [(place[1:], *rest) for place, *rest in inner]
        owners = {owner(place, said) for place, number, said in inner}
        owners -= {None} | {tidy(text) for _, *rest in inner for text in rest if text}
        if len(owners) > 1 or all(MOODLE.match(place[0]) for place, *_ in inner):
            found = inner
    return found


def sort(files, names, only=None):
    """Return what was Found among Files, for notebooks {NN: name}; of several versions the newest counts."""
    notes, others, known, spelled, versions = [], {}, [], {}, {}
    for file in files:
        if ASIDE & set(file.place) or file.place[-1].startswith("."):
            continue
        if not file.is_notebook:
            others.setdefault(file.place[:-1], []).append(file.place[-1])
        elif file.size > MAX_FILE:
            notes.append(f"{said(file)}: larger than {MAX_FILE >> 20} MB, left where it is")
        else:
            known.append((file, *which(file, names)))
    places = bare([(file.place, number, text) for file, number, text in known])
    for (file, *_), (place, number, text) in zip(known, places, strict=True):
        student = owner(place, text)
        if not number or not student:
            notes.append(f"{said(file)}: nothing says {'whose' if number else 'which notebook'} it is")
        elif only and number != only:
            notes.append(f"{said(file)}: is notebook {number}, not {only}")
        else:
            student = spelled.setdefault(student.casefold(), student)  # some disks see one folder in both
            versions.setdefault((student, number), []).append(file)
    for (student, _), all_of in versions.items():
        all_of.sort(key=lambda file: (file.time, file.place))
        notes += [f"{said(file)}: an older version of {student}'s" for file in all_of[:-1]]
    for folders, lone in others.items():
        text = ", ".join(lone[:3]) + f" and {len(lone) - 3:,} more" * (len(lone) > 3)
        notes.append(plain("/".join([*folders, text])) + ": no notebook, left where it is")
    return Found({key: versions[key][-1] for key in sorted(versions)}, notes)


def said(file):
    """Return the place of a File as one harmless line."""
    return plain("/".join(file.place))


# ---------------------------------------------------------------------------------------- reading, writing


def content(file):
    """Return the bytes of a File, and why they can't be read, or None."""
    try:
        return file.read(), None
    except Exception as error:  # whatever a damaged one, or one with a password, raises
        return b"", plain(f"can't be read ({error})")


def broken(data):
    """Return what is wrong with the bytes of a notebook, or None."""
    try:
        nb = json.loads(data)
    except (ValueError, RecursionError):
        return "is no JSON"
    cells = nb.get("cells") if isinstance(nb, dict) else None
    return None if isinstance(cells, list) and cells else "holds no cells"


def collect(source, to, names, *, only=None):
    """Write what is handed in at `source` to to/STUDENT/NN/, under the notebook's own name from {NN: name};
    returns what was Found, with a sentence for each file that could not be read or is no notebook inside."""
    found = sort(files_in(source, to), names, only)
    kept, notes = {}, list(found.notes)
    for (student, number), file in tqdm(found.notebooks.items(), "collecting", leave=False, disable=None):
        data, unreadable = content(file)
        if unreadable:
            notes.append(f"{said(file)}: {unreadable}")
            continue
        if problem := broken(data):
            notes.append(f"{said(file)}: {problem}; collected as it is")
        target = to / student / number / f"{names[number]}.ipynb"
        if target.exists() and target.read_bytes() != data:
            notes.append(f"{said(file)}: takes the place of what was collected before")
        put(target, data)
        kept[student, number] = file
    return Found(kept, sorted(notes))


# ---------------------------------------------------------------------------------------- who is missing


def words(name):
    """Return what two spellings of a name have in common: its words, in whatever order."""
    return frozenset(re.split("[-_]", (tidy(name) or "").casefold()))


def listed(path):
    """Return [(row as text, names that it may mean, each as words)] of a CSV file whose first line is the
    head; Refused in a sentence."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        rows = list(csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count)))[1:]
    except UnicodeError:
        raise Refused(f'{path} is not in UTF-8: save it as "CSV UTF-8"') from None
    except (OSError, csv.Error) as error:
        raise Refused(f"{path} can't be read as a list of students: {error}") from None
    rows = [[cell for cell in row if cell.strip()] for row in rows]
    return [(plain(" ".join(row[:2])), {*map(words, row), words(" ".join(row[:2]))}) for row in rows if row]


def missing(expected, students):
    """Return the rows of listed() that none of the students can be."""
    given = {words(name) for student in students for name in (student, re.sub(r"_\d+$", "", student))}
    return [row for row, names in expected if not names & given]


def main(argv):
    """`python -m dlimlib course collect`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course collect",
        description="Sort what students handed in: a folder for each, the zip of Moodle, or a flat folder as "
        "from Google Classroom. Nothing there is changed; of several versions the newest counts.",
    )
    parser.add_argument("source", type=Path, metavar="DIR|ZIP", help="what was downloaded")
    parser.add_argument(
        "--to", type=Path, default=Path("submitted"), metavar="FOLDER", help="default: submitted"
    )
    parser.add_argument("--only", metavar="NN", help="only this notebook, e.g. 03")
    parser.add_argument(
        "--students",
        type=Path,
        metavar="CSV",
        help="who should have: a head, then a line each, with the name or the two names in the first columns",
    )
    options = parser.parse_args(argv)
    expected = listed(options.students) if options.students else []
    names = {path.stem[:2]: path.stem for path in find(["all"])}
    if options.only and options.only not in names:
        raise Refused(f"there is no notebook {options.only}; there are {', '.join(names)}")
    found = collect(options.source, options.to, names, only=options.only)
    for student, number in found.notebooks:
        print(f"{number}  {student}")
    for note in found.notes:
        print(f"  note: {note}")
    print(
        f"{len(found.notebooks)} notebooks of {len({s for s, _ in found.notebooks})} students in {options.to}"
    )
    for number in [options.only] if options.only else sorted({number for _, number in found.notebooks}):
        if lacking := missing(expected, [s for s, n in found.notebooks if n == number]):
            print(f"{number}: {len(lacking)} of {len(expected)} have not handed it in: {', '.join(lacking)}")
    return 0

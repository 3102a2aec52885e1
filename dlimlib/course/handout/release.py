"""The student edition of a notebook: no solutions, hidden tests, rubrics or outputs, but all it needs."""

import argparse
import copy
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

from ...install.environment import ROOT
from .. import badges
from .. import notebook as nbs
from ..record import find
from . import texts

PACKAGE = ("pyproject.toml", "README.md", "LICENSE", "dlimlib", "data/results", "data/drawings")
MARK = "handed-out.json"  # {file: hash} of what release wrote into a folder: so that it may replace it
NEW = (2026, 1, 1, 0, 0, 0)  # the time of every file in a zip, so that the same edition has the same bytes


class Refused(Exception):
    """Why nothing was written, in a sentence."""


def each(names, do):
    """Call do(path) for each notebook that is named; what is Refused of one says nothing of the next. Returns
    the exit code."""
    code = 0
    for path in find(names):
        try:
            do(path)
        except Refused as refused:
            print(refused, file=sys.stderr)
            code = 2
    return code


def student_edition(nb, file):
    """Return the notebook for students, under the name `file`: what they write is a stub, tests show their
    visible part, no badge leads to the whole notebook, and a cell at the end checks one's own work. Outputs
    go altogether, so that what is handed in shows what its author has executed."""
    from nbconvert.preprocessors import ClearOutputPreprocessor
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells

    stubs = {"code_stub": {"python": texts.CODE_STUB}, "text_stub": texts.TEXT_STUB}
    nb = copy.deepcopy(nb)
    for step in (ClearSolutions(**stubs), ClearHiddenTests(), LockCells(), ClearOutputPreprocessor()):
        nb, _ = step.preprocess(nb, {})
    nb.metadata.pop("dlim", None)  # the stamp of a recording
    badges.put_badge(nb, "")
    heading = nbformat.v4.new_markdown_cell(texts.CHECK_HEADING, id="check-text")
    cell = nbformat.v4.new_code_cell(texts.CHECK_CELL.format(file=file), id="check")
    heading.metadata["slideshow"], cell.metadata["slideshow"] = {"slide_type": "slide"}, {"slide_type": "-"}
    cell.metadata["tags"] = ["heavy"]
    nb.cells += [heading, cell]
    return nb


def weights(nb):
    """Return the stored weights that a notebook names: its own, and those that it takes from others."""
    named = set(re.findall(r"\"(\d\d_[a-z0-9]+)", "\n".join(cell.source for _, cell in nbs.code(nb))))
    return [p for p in sorted((ROOT / "data" / "pretrained").glob("*")) if p.stem.split("-")[0] in named]


def package(nb):
    """Return the bytes of dlim.zip, from which the notebook's first cell installs the package: the package,
    figures and drawings, and the weights that this notebook names."""
    files = [path for name in PACKAGE for path in (ROOT / name, *(ROOT / name).rglob("*"))]
    files = {p.relative_to(ROOT).as_posix(): p for p in [*files, *weights(nb)] if p.is_file()}
    passing = re.compile(r"(^|/)(\.|__pycache__/)")  # what editors and Python leave behind
    return zipped({f"dlim/{name}": p.read_bytes() for name, p in files.items() if not passing.search(name)})


def zipped(files):
    """Return the bytes of a zip of {name: bytes}, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(files.items()):
            packed = zipfile.ZIP_STORED if name.endswith((".safetensors", ".zip")) else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, NEW)
            entry.external_attr = 0o644 << 16  # or who unpacks it is the only one who can read it
            archive.writestr(entry, data, packed)
    return buffer.getvalue()


def release(path, folder, *, force=False):
    """Write the student edition of the notebook at `path` into folder/NN: the notebook, dlim.zip beside it,
    and a zip of both to upload. Returns that folder; raises Refused where something else lies there."""
    nb, name = nbs.read(path), path.stem
    target = folder / name[:2]
    if not force:
        refuse(target)
    edition = nbs.dumps(student_edition(nb, path.name)).encode()
    files = {path.name: edition, "dlim.zip": package(nb)}
    files[f"{name}.zip"] = zipped({f"{name}/{file}": data for file, data in files.items()})
    files[MARK] = json.dumps({file: fingerprint(data) for file, data in files.items()}, indent=1).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # all is written before anything is replaced
        new, old = Path(aside, "new"), Path(aside, "old")
        new.mkdir()
        for file, data in files.items():
            (new / file).write_bytes(data)
        try:
            if target.exists():
                os.replace(target, old)
            os.replace(new, target)
        except BaseException:
            if old.exists():
                os.replace(old, target)
            raise
    return target


def fingerprint(data):
    return hashlib.sha256(data).hexdigest()


def refuse(target):
    """Raise Refused where a folder holds what release did not write, or what was changed since."""
    if not target.exists():
        return
    try:
        there = {path.name: path for path in target.iterdir()}
        ours = json.loads(there[MARK].read_text(encoding="utf-8")) if MARK in there else {}
        others = [n for n, p in there.items() if n != MARK and ours.get(n) != fingerprint(p.read_bytes())]
    except (OSError, ValueError, AttributeError):  # no folder, or not the file that release wrote
        others = ["something else"]
    if others:
        raise Refused(
            f"{target} holds what release did not write ({', '.join(sorted(others)[:3])}): "
            "choose another folder by --to, or replace it with --force"
        )


def main(argv):
    """`python -m dlimlib course release`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course release", description="Write the student edition of notebooks."
    )
    parser.add_argument("notebooks", nargs="+", metavar="NN", help="numbers such as 03, paths, or all")
    parser.add_argument("--to", type=Path, default=Path("release"), metavar="FOLDER", help="default: release")
    parser.add_argument("--force", action="store_true", help="replace folders that release did not write")
    options = parser.parse_args(argv)
    paths = find(options.notebooks)
    for path in () if options.force else paths:
        refuse(options.to / path.stem[:2])  # before the first is written
    for path in paths:
        target = release(path, options.to, force=options.force)
        size = (target / f"{path.stem}.zip").stat().st_size / 1e6
        said = f"{target}: {path.name} for students; {path.stem}.zip, {size:.0f} MB, is what to upload"
        print(said, flush=True)
    return 0

"""The student edition of a notebook: no solutions, hidden tests, rubrics or outputs, but all it needs."""

import argparse
import copy
import io
import json
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

from .. import notebook as nbs
from ..record import find
from . import texts

PACKAGE = ("pyproject.toml", "README.md", "LICENSE", "dlimlib", "data/results", "data/drawings")
MARK = "handed-out.json"  # names what release wrote into a folder: so that it may write there again
NEW = (2026, 1, 1, 0, 0, 0)  # the time of every file in a zip, so that the same edition has the same bytes


class Refused(Exception):
    """Why nothing was written, in a sentence."""


def student_edition(nb, file):
    """Return the notebook for students, under the name `file`: what they write is a stub, tests show their
    visible part, nothing has been executed, and a cell at the end checks one's own work."""
    from nbconvert.preprocessors import ClearOutputPreprocessor
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells

    stubs = {"code_stub": {"python": texts.CODE_STUB}, "text_stub": texts.TEXT_STUB}
    nb = copy.deepcopy(nb)
    for step in (ClearSolutions(**stubs), ClearHiddenTests(), LockCells(), ClearOutputPreprocessor()):
        nb, _ = step.preprocess(nb, {})
    nb.metadata.pop("dlim", None)  # the stamp of a recording
    heading = nbformat.v4.new_markdown_cell(texts.CHECK_HEADING, id="check-text")
    cell = nbformat.v4.new_code_cell(texts.CHECK_CELL.format(file=file), id="check")
    heading.metadata["slideshow"], cell.metadata["slideshow"] = {"slide_type": "slide"}, {"slide_type": "-"}
    cell.metadata["tags"] = ["heavy"]
    nb.cells += [heading, cell]
    return nb


def weights(root, nb):
    """Return the stored weights that a notebook names: its own, and those that it takes from others."""
    named = set(re.findall(r"\"(\d\d_[a-z0-9]+)", "\n".join(cell.source for _, cell in nbs.code(nb))))
    return [p for p in sorted((root / "data" / "pretrained").glob("*")) if p.stem.split("-")[0] in named]


def package(root, nb):
    """Return the bytes of dlim.zip, from which the notebook's first cell installs the package: the package,
    figures and drawings, and the weights that this notebook names."""
    files = [path for name in PACKAGE for path in sorted([root / name, *(root / name).rglob("*")])]
    files = [path for path in files if path.is_file() and "__pycache__" not in path.parts]
    return zipped(
        {f"dlim/{p.relative_to(root).as_posix()}": p.read_bytes() for p in [*files, *weights(root, nb)]}
    )


def zipped(files):
    """Return the bytes of a zip of {name: bytes}, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(files.items()):
            packed = zipfile.ZIP_STORED if name.endswith((".safetensors", ".zip")) else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, NEW), data, packed)
    return buffer.getvalue()


def release(path, folder, *, force=False):
    """Write the student edition of the notebook at `path` into folder/NN: the notebook, dlim.zip beside it,
    and a zip of both to upload. Returns that folder; raises Refused where something else lies there."""
    nb, name, root = nbs.read(path), path.stem, path.parents[1]
    target = folder / name[:2]
    if problem := foreign(target):
        if not force:
            raise Refused(f"{target} {problem}; choose another folder by --to, or replace it with --force")
    edition = nbs.dumps(student_edition(nb, path.name)).encode()
    files = {path.name: edition, "dlim.zip": package(root, nb)}
    files[f"{name}.zip"] = zipped({f"{name}/{file}": data for file, data in files.items()})
    files[MARK] = json.dumps(sorted(files)).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # all is written before anything is replaced
        new = Path(aside, "new")
        new.mkdir()
        for file, data in files.items():
            (new / file).write_bytes(data)
        if target.exists():
            os.replace(target, Path(aside, "old"))
        os.replace(new, target)
    return target


def foreign(target):
    """Return what speaks against writing into a folder, or None."""
    if not target.exists():
        return None
    if not target.is_dir():
        return "is no folder"
    there = {path.name for path in target.iterdir()}
    ours = set(json.loads((target / MARK).read_text(encoding="utf-8"))) | {MARK} if MARK in there else set()
    return (
        f"holds {', '.join(sorted(there - ours)[:3])}, which release did not write" if there - ours else None
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
    try:
        for path in find(options.notebooks):
            target = release(path, options.to, force=options.force)
            size = (target / f"{path.stem}.zip").stat().st_size / 1e6
            print(
                f"{target}: {path.name} for students; {path.stem}.zip, {size:.0f} MB, is what to upload",
                flush=True,
            )
    except (Refused, FileNotFoundError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0

"""Judges one submission, as a program of its own: a job on stdin, the outcome on stdout, both JSON."""

import codecs
import json
import sys
from pathlib import Path

from ..notebook import MAX_FILE
from . import process, sandbox
from .judge import executed, judge, late, plain
from .written import written

MAX_PARTS = 3_000_000  # values in a notebook, which take far more memory than its text
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def opened(path):
    """Return (the notebook at path as plain JSON or None, sentences on what is wrong with the file)."""
    try:
        if path.is_symlink():
            return None, ["it is a link, which is not followed"]
        if not path.is_file():
            return None, ["it is no file"]
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        return None, [f"it can't be read ({error.strerror})"]
    if len(data) > MAX_FILE:
        return None, [f"it is larger than {MAX_FILE >> 20} MB"]
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    notes = [] if encoding == "utf-8" else [f"it is written in {encoding}"]
    try:
        text = data.decode(encoding)
    except UnicodeError:
        text, notes = data.decode("latin-1"), ["it is written in no Unicode; read as latin-1"]
    if sum(map(text.count, "[{,")) > MAX_PARTS:
        return None, [*notes, "it holds millions of values, so nothing of it was read"]
    try:
        nb = json.loads(text)
    except (ValueError, RecursionError):
        return None, [*notes, "it is no JSON, so nothing of it was read" if text.strip() else "it is empty"]
    return (nb, notes) if isinstance(nb, dict) else (None, [*notes, "it is no notebook"])


def outcome(job):
    """Return what becomes of a job {path, reference, sheet, seconds, in_all, unsafe}: verdicts, late, notes,
    and what the student has written."""
    nb, notes = opened(Path(job["path"]))
    reference = job["reference"]
    if nb is None:
        verdicts = {
            name: [(name, f"the notebook can't be graded: {notes[-1]}")] for name in reference["tests"]
        }
        return {"verdicts": verdicts, "late": False, "notes": notes, "written": {}}
    notes += executed(reference, reference["rounds"][0]["records"], nb)[1]
    launch = process.launch if job["unsafe"] else sandbox.launch
    verdicts = judge(reference, nb, job["seconds"], job["in_all"], launch)
    notes = [plain(note) for note in notes]
    return {
        "verdicts": verdicts,
        "late": late(verdicts),
        "notes": notes,
        "written": written(job["sheet"], nb),
    }


if __name__ == "__main__":
    json.dump(outcome(json.load(sys.stdin)), sys.stdout)

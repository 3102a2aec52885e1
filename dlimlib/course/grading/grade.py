"""Grades what was handed in: each submission by a process of its own, whose outcome is a file.

All outcomes then go into nbgrader's gradebook, by this process alone.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from .. import notebook as nbs
from ..handout.release import Refused, each, student_edition
from . import gradebook, process, sandbox
from .judge import plain, record, sentences
from .written import sheet

SECONDS, IN_ALL = 20, 120  # of a cell, of a submission
START = 120  # seconds more, in which a process must start and end
UNSAFE = "students' code runs with all that you may do: read solutions, change marks, use the network"
FORMAT = 2  # of an outcome; one that is stored in an older one is graded anew


# ---------------------------------------------------------------------------------------- what there is


def submissions(folder, path):
    """Return {student: the file to grade, and a sentence or None} of folder/STUDENT/NN/, by name."""
    found = {}
    for here in sorted(folder.glob(f"*/{path.stem[:2]}")):
        if here.is_symlink() or here.parent.is_symlink():
            continue
        named, others = here / path.name, sorted(here.glob("*.ipynb"))
        if named in others or not others:
            found[here.parent.name] = named, None
        else:
            said = f"the notebook is called {plain(others[0].name)}"
            found[here.parent.name] = others[0], said
    return found


def fingerprint(file):
    """Return the hash of a file, "" of one that can't be read."""
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""


def done(target, key):
    """Return the outcome that is stored at target for this key, or None."""
    try:
        stored = json.loads(target.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if stored.get("key") == key else None


# ---------------------------------------------------------------------------------------- one submission


def grade_one(job, running):
    """Run one.py on a job and return its outcome; what goes wrong there is an outcome as well."""
    env = os.environ | {"PYTHONPATH": process.package()}
    command = [sys.executable, "-P", "-m", "dlimlib.course.grading.one"]
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True)
    running.add(started)
    try:
        told, said = started.communicate(json.dumps(job).encode(), timeout=job["in_all"] + START)
        return json.loads(told)
    except (subprocess.TimeoutExpired, ValueError, OSError):
        started.kill()
        return failed(job["reference"], "the judge failed, which says nothing of the solution")
    finally:
        running.discard(started)


def failed(reference, problem):
    """Return the outcome of a submission that was not judged, and of which nothing was read."""
    verdicts = {name: [(name, problem)] for name in reference["tests"]}
    return {"verdicts": verdicts, "late": True, "notes": [problem], "written": None}


def marked(outcome, points):
    """Return {test: {"points", "of", "sentences"}}: a test's points need all of its probes."""
    marks = {}
    for name, most in points.items():
        said = sentences({name: outcome["verdicts"][name]})
        marks[name] = {"points": 0 if said else most, "of": most, "sentences": said}
    return marks


# ---------------------------------------------------------------------------------------- all of them


def grade(path, folder, to, *, workers=1, unsafe=False, anew=False, seconds=SECONDS, in_all=IN_ALL):
    """Grade the submissions folder/STUDENT/NN/ of the notebook at path; returns {student: what stands in
    to/NN/STUDENT.json}. What is there already, for the same file and notebook, is kept. Raises Refused."""
    if not unsafe and (why := sandbox.reason()):
        raise Refused(f"without a sandbox nothing is graded: {why}. With --unsafe, {UNSAFE}")
    found = submissions(folder, path)
    if not found:
        raise Refused(f"nothing to grade in {folder}/STUDENT/{path.stem[:2]}/: `course collect` puts it in")
    nb = nbs.read(path)
    points = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points for c in nb.cells if nbs.is_test(c)}
    handed_out = sheet(student_edition(nb, path.name))
    questions = [cell["lines"] for cell in handed_out if cell["role"] == "question"]
    basis = [FORMAT, nbs.stamp(nb), points, questions, seconds, in_all]
    course = hashlib.sha256(json.dumps(basis).encode()).hexdigest()
    keys = {student: f"{course[:16]} {fingerprint(file)}" for student, (file, _) in found.items()}
    targets = {student: to / path.stem[:2] / f"{student}.json" for student in found}
    results = {s: stored for s in found if not anew and (stored := done(targets[s], keys[s]))}
    if open_ones := [student for student in found if student not in results]:
        reference = record(nb, launch=process.launch if unsafe else sandbox.launch)
        if reference["problems"]:
            raise Refused(f"{path.name} itself has problems:\n" + "\n".join(reference["problems"]))
        job = {"reference": reference, "sheet": handed_out, "unsafe": unsafe}
        job |= {"seconds": seconds, "in_all": in_all}
        jobs = {student: job | {"path": str(found[student][0].absolute())} for student in open_ones}
        for student, outcome in outcomes(jobs, workers):
            marks, said = marked(outcome, points), found[student][1]
            notes = outcome["notes"] + ([said] if said else [])
            results[student] = {"key": keys[student], "marks": marks, "notes": notes}
            results[student]["written"] = outcome["written"]
            nbs.put(targets[student], json.dumps(results[student], indent=1).encode())
    return dict(sorted(results.items()))


def outcomes(jobs, workers):
    """Yield (student, outcome) of {student: job}; those that were late are tried once more, alone."""
    running, again = set(), []
    bar = tqdm(total=len(jobs), desc="grading", leave=False, disable=None)
    with bar, ThreadPoolExecutor(workers) as pool:
        try:
            waiting = {pool.submit(grade_one, job, running): student for student, job in jobs.items()}
            for future in as_completed(waiting):
                student = waiting[future]
                if future.result()["late"]:
                    again.append(student)
                    continue
                yield student, future.result()
                bar.update()
            for student in again:
                yield student, pool.submit(grade_one, jobs[student], running).result()
                bar.update()
        except BaseException:  # Ctrl-C above all: what is stored so far stays
            pool.shutdown(wait=False, cancel_futures=True)
            for started in list(running):
                started.send_signal(signal.SIGINT)
            raise


def line(student, result):
    """Return a student's marks as a line, and a line for each thing that a teacher should look at."""
    marks = result["marks"].values()
    reached, most = (f"{sum(mark[key] for mark in marks):g}" for key in ("points", "of"))
    lines = [
        f"{reached:>4} of {most}  {plain(student)}",
        *(f"      note: {note}" for note in result["notes"]),
    ]
    return "\n".join(lines)


def main(argv):
    """`python -m dlimlib course grade`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dlimlib course grade",
        description="Grade the tests of a notebook for all who handed it in, in a sandbox. What was graded "
        "before an interruption is kept; open questions are for a person.",
    )
    parser.add_argument("notebooks", nargs="+", metavar="NN", help="numbers such as 03, or all")
    where = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument("--submitted", **where, default=Path("submitted"), help="default: submitted")
    parser.add_argument("--to", **where, default=Path("graded"), help="where outcomes go (default: graded)")
    workers = os.cpu_count() or 1
    parser.add_argument("--workers", type=int, default=workers, metavar="N", help="so many at a time")
    parser.add_argument("--anew", action="store_true", help="also what has been graded already")
    parser.add_argument("--unsafe", action="store_true", help=f"without a sandbox: {UNSAFE}")
    options = parser.parse_args(argv)
    if options.workers < 1:
        parser.error(f"--workers must be at least 1, got {options.workers}")
    chosen = {"workers": options.workers, "unsafe": options.unsafe, "anew": options.anew}

    def whole(path):
        results = grade(path, options.submitted, options.to, **chosen)
        print(path.stem, *(line(student, result) for student, result in results.items()), sep="\n")
        gradebook.save(path, results, options.to)

    return each(options.notebooks, whole)

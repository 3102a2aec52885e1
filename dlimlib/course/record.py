"""Execute notebooks without a browser, and record them: weights, figures and outputs, all of them or nothing.

A recording keeps its trainings in $DLIM_HOME/recording/<notebook>/<profile>, each with the key of what it
depends on (dependence.py). One that was cut off, or failed after a training, is taken up again by the same
command; a training trains anew only when its key has changed.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .. import pretrained, recording, report, settings
from . import conventions, keep, refresh
from . import notebook as nbs
from .execute import Stopped, execute


def main(argv=None):
    """`python -m dlimlib run`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dlimlib run", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", help="numbers such as 01, paths, or all")
    parser.add_argument("--profile", choices=settings.PROFILES, help="default: what fits the device")
    parser.add_argument("--out", type=Path, help="folder for executed copies (default executed/<profile>)")
    parser.add_argument("--threads", type=int, help="threads for PyTorch on the CPU")
    parser.add_argument("--verbose", action="store_true", help="show what the cells print while they run")
    store = parser.add_mutually_exclusive_group()
    store.add_argument("--record", action="store_true", help="train; store weights, figures and outputs")
    store.add_argument("--refresh", action="store_true", help="renew stored outputs with the stored weights")
    store.add_argument("--export", type=Path, metavar="FOLDER", help="copy the kept trainings to a folder")
    store.add_argument("--import", type=Path, metavar="FOLDER", dest="bring", help="fetch them from there")
    parser.add_argument("--anew", action="store_true", help="with --record: forget earlier trainings")
    options = parser.parse_args(argv)
    if options.anew and not options.record:
        parser.error("--anew goes with --record")
    try:
        for path in find(options.notebooks):
            if options.export or options.bring:
                keep.carry(path.stem, options.export or options.bring, out=bool(options.export))
            else:
                run(path, "record" if options.record else "refresh" if options.refresh else None, options)
    except (Stopped, FileNotFoundError, KeyError) as error:
        print(error.args[0], file=sys.stderr, flush=True)
        return 1
    return 0


def find(names):
    """Return the paths of the notebooks that are named; FileNotFoundError in a sentence for any other."""
    folder = (settings.checkout() or Path.cwd()) / "notebooks"
    paths = []
    for name in names:
        if name.endswith(".ipynb"):
            found = [Path(name).resolve()] if Path(name).is_file() else []
        else:
            found = sorted(folder.glob("*.ipynb" if name == "all" else f"{name}*.ipynb"))
        if not found:
            there = ", ".join(p.stem for p in sorted(folder.glob("*.ipynb"))) or "none"
            raise FileNotFoundError(f"no notebook {name}; in {folder} there are: {there}")
        paths += found
    return list(dict.fromkeys(paths))


def run(path, mode, options):
    """Execute one notebook; with mode "record" or "refresh" store what came out. Raises Stopped."""
    name, root = path.stem, path.parent.parent
    nb = nbs.read(path)
    made_on = (report.stored(name) or {}).get("made_on", {})
    profile = options.profile or (mode == "refresh" and made_on.get("profile")) or settings.profile()
    env = environment(profile, options.threads)
    print(f"{path.name}, profile {profile}{', ' + mode if mode else ''}", flush=True)
    begin = time.monotonic()
    try:
        if mode is None:
            done = execute(nb, path.parent, env, options.verbose)
        else:
            kept = keep.Trainings(name, profile, nb)
            whole = kept.finished() if mode == "refresh" else {}
            with tempfile.TemporaryDirectory() as new:
                now = recording.Recording(mode, name, Path(new), kept.runs, tuple(whole))
                env[recording.VARIABLE] = json.dumps(vars(now), default=str)
                env.pop("DLIM_EFFORT", None)  # what is stored has the steps that the notebook says
                work = _record if mode == "record" else _refresh
                done = work(nb, path, env, kept, options)
                nbs.clean_outputs(done)
                store(path, root, done, now)
    except Stopped as stopped:
        copy_to = save_copy(nb, path, profile, options.out)
        hint = "\nNothing was stored. " if mode else ""
        hint += "Start the same command again: it goes on from there." if mode == "record" else ""
        raise Stopped(f"{stopped}\nThe executed part is in {copy_to}.{hint}") from None
    copy_to = save_copy(done, path, profile, options.out)
    stored = "stored in place; " if mode else ""
    print(f"done in {time.monotonic() - begin:.0f} s; {stored}executed copy: {copy_to}")


def _record(nb, path, env, kept, options):
    """Execute a notebook that trains what is not kept, with PRETRAINED off."""
    if options.anew:
        shutil.rmtree(kept.folder, ignore_errors=True)
    kept.forget_changed()
    sources = {index: cell.source for index, cell in nbs.code(nb)}
    for _, cell in nbs.code(nb):
        cell.source = re.sub(r"(?m)^(PRETRAINED\s*=\s*)True\b", r"\1False", cell.source)
    try:
        return execute(nb, path.parent, env, options.verbose, kept.begin, kept.note, careful=True)
    finally:
        for index, source in sources.items():
            nb.cells[index].source = source


def _refresh(nb, path, env, kept, options):
    """Execute a notebook without training; what shows a training that is nowhere keeps its outputs."""
    keys = set(kept.finished().values())
    instead = refresh.plan(kept.book, keys, lambda name: pretrained.find(name) is not None)
    if instead:
        ids = ", ".join(nb.cells[index].id for index in instead)
        print(f"  trainings that are not on this machine: {len(instead)} cells keep their outputs ({ids})")
        if nb.metadata.get("dlim", {}).get("stamp") != nbs.stamp(nb):
            print("  note: the code has changed; where it is one of these cells, record it instead")
    return execute(nb, path.parent, env, options.verbose, careful=True, instead=instead)


def environment(profile, threads=None):
    """Return the variables for a kernel: this dlimlib, the profile, and no trace of another recording."""
    env = {k: v for k, v in os.environ.items() if k not in (recording.VARIABLE, "MPLBACKEND")}
    here = str(Path(report.__file__).parents[1])
    env.update(DLIM_PROFILE=profile, PYTHONPATH=os.pathsep.join(filter(None, [here, env.get("PYTHONPATH")])))
    if threads:
        env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    return env


def save_copy(nb, path, profile, out):
    """Write the executed notebook beside the checkout's others and return where."""
    target = (out or path.parent.parent / "executed" / profile) / path.name
    nbs.write(nb, target)
    return target


def seed_of(nb):
    """Return the number that the notebook assigns to SEED, or None."""
    for _, cell in nbs.code(nb):
        if match := re.search(r"(?m)^SEED\s*=\s*(\d+)", cell.source):
            return int(match[1])
    return None


def store(path, root, done, now):
    """Put notebook, figures and weights in place: first all files are written aside, then all are renamed."""
    name, files, gone = path.stem, {}, []
    figures = (report.stored(name) or {}).get("figures", {})
    if now.records:
        paths = sorted((now.folder / "results").glob("*.json"))
        results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
        trainings = now.seconds()
        for key, result in results.items():
            result["made_on"] |= {"seconds": round(sum(trainings.values()), 1), "trainings": trainings}
            result["made_on"].update(seed=seed_of(done), data=nbs.data_version(done) or None)
            text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
            files[root / "data" / "results" / f"{key}.json"] = text.encode()
        figures = results.get(name, {}).get("figures", {})
        folder = root / "data" / "pretrained"
        new = {folder / file.name: file.read_bytes() for file in (now.folder / "pretrained").glob("*")}
        gone = [file for file in folder.glob("*") if pretrained.belongs(file.stem, name) and file not in new]
        files |= new
    try:
        nbs.fill_marks(done, figures)
    except KeyError as error:
        raise Stopped(error.args[0]) from None
    if cover := nbs.set_cover(done):
        files[root / "docs" / f"{name}{cover[1]}"] = cover[0]
    done.metadata["dlim"] = {"stamp": nbs.stamp(done), "data": nbs.data_version(done), "rules": nbs.RULES}
    files[path] = nbs.dumps(done).encode()
    aside = {}
    try:
        for target, data in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            aside[target] = target.with_name(f".{target.name}.new")
            aside[target].write_bytes(data)
        for target, written in aside.items():
            os.replace(written, target)
    finally:
        for written in aside.values():
            written.unlink(missing_ok=True)
    for old in gone:
        old.unlink(missing_ok=True)
    for problem in conventions.lint(done):
        print(f"  note: {problem}")


if __name__ == "__main__":
    sys.exit(main())

"""Execute notebooks without a browser, and record them: weights, figures and outputs, all of them or nothing.

A recording keeps its trainings in $DLIM_HOME/recording/<notebook>/<profile> until the code above them
changes, so one that was cut off, or failed after the training, is taken up again by the same command.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from .. import pretrained, report, settings
from . import conventions
from . import notebook as nbs

INTERRUPTS = ("Interrupted", "KeyboardInterrupt")  # the first is raised by a Run that is recorded


class Stopped(Exception):
    """The execution ended before the last cell; the text says why."""


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
    parser.add_argument("--anew", action="store_true", help="with --record: forget earlier trainings")
    options = parser.parse_args(argv)
    if options.anew and not options.record:
        parser.error("--anew goes with --record")
    mode = "record" if options.record else "refresh" if options.refresh else None
    try:
        for path in find(options.notebooks):
            run(path, mode, options)
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
            recording = Recording(name, profile, nb, mode, options.anew)
            with recording, tempfile.TemporaryDirectory() as new:
                env.update(recording.env(new))
                done = execute(nb, path.parent, env, options.verbose, recording.after, careful=True)
                nbs.clean_outputs(done)
                store(path, root, done, Path(new), mode, recording)
    except Stopped as stopped:
        copy_to = save_copy(nb, path, profile, options.out)
        hint = (
            ""
            if mode is None
            else "\nNothing was stored. "
            + ("Start the same command again: it goes on from there." if mode == "record" else "")
        )
        raise Stopped(f"{stopped}\nThe executed part is in {copy_to}.{hint}") from None
    copy_to = save_copy(done, path, profile, options.out)
    stored = "stored in place; " if mode else ""
    print(f"done in {time.monotonic() - begin:.0f} s; {stored}executed copy: {copy_to}")


def environment(profile, threads=None):
    """Return the variables for a kernel: this dlimlib, the profile, and no trace of another recording."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DLIM_RECORD") and k != "MPLBACKEND"}
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


# ------------------------------------------------------------------------------------------------ executing


class Client(NotebookClient):
    """nbclient, which can also show what the cells print."""

    verbose = False

    def process_message(self, msg, cell, cell_index):
        if self.verbose and msg["msg_type"] == "stream":
            print(msg["content"]["text"], end="", flush=True)
        return super().process_message(msg, cell, cell_index)


def execute(nb, folder, env, verbose=False, after=lambda index: None, careful=False):
    """Execute the cells of nb (changed in place) in a new kernel; returns nb, or raises Stopped.

    after(index) is called after each cell, also one that failed. careful: after Ctrl-C no further cell is
    executed; otherwise it interrupts the cell alone, as the stop button does.
    """
    return asyncio.run(_execute(nb, folder, env, verbose, after, careful))


async def _execute(nb, folder, env, verbose, after, careful):
    client = Client(
        nb, timeout=None, iopub_timeout=60, resources={"metadata": {"path": str(folder)}},
        kernel_name="python3", store_widget_state=False, coalesce_streams=True,
    )  # fmt: skip
    client.verbose = verbose
    # whatever kernels the user has registered under this name: this interpreter
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    cells = nbs.code(nb)
    async with client.async_setup_kernel(env=env):
        interrupts = _forward_interrupts(client)
        for number, (index, cell) in enumerate(cells, 1):
            title = next(line for line in cell.source.splitlines() if line.strip()).strip()
            print(f"  [{number:>3}/{len(cells)}] {title[:60]:<60}", end="\n" if verbose else " ", flush=True)
            begin = time.monotonic()
            try:
                await client.async_execute_cell(cell, index, execution_count=number)
            except CellExecutionError as error:
                print("stopped" if error.ename in INTERRUPTS else "ERROR", flush=True)
                raise Stopped(explain(error, index)) from None
            except DeadKernelError:
                print("ERROR", flush=True)
                raise Stopped(f"The kernel died in cell {index}: killed, or out of memory.") from None
            finally:
                after(index)
            print(f"{time.monotonic() - begin:6.1f} s", flush=True)
            if careful and interrupts:
                raise Stopped(f"Interrupted in cell {index}.")
    return nb


def explain(error, index):
    """Say in which cell what went wrong, with the traceback; an interrupt is only a sentence."""
    if error.ename in INTERRUPTS:
        return f"Interrupted in cell {index}. {error.evalue}".rstrip()
    return f"Error in cell {index}.\n" + re.sub(r"\x1b\[[\d;]*m", "", error.traceback)


def _forward_interrupts(client):
    """Let Ctrl-C and SIGTERM interrupt the kernel, not us (a third one ends it); returns the list of them."""
    loop, received = asyncio.get_running_loop(), []

    def interrupt():
        received.append(time.monotonic())
        kernel = client.km
        work = kernel.interrupt_kernel() if len(received) < 3 else kernel.shutdown_kernel(now=True)
        if work is not None:
            client.interrupting = asyncio.ensure_future(work)  # kept, since the loop holds tasks only weakly

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.remove_signal_handler(number)  # nbclient's own would kill the kernel
        except RuntimeError:  # Windows, where loops handle no signals
            pass
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
    return received


# ------------------------------------------------------------------------------------------------ recording


class Recording:
    """What is kept from one attempt to the next: finished and half-done Runs, and the seconds they took."""

    def __init__(self, name, profile, nb, mode, anew=False):
        self.name, self.nb, self.mode = name, nb, mode
        self.stamps, self.stamp = nbs.prefix_stamps(nb), nbs.stamp(nb)
        self.folder = settings.home() / "recording" / name / profile
        self.sources = {index: cell.source for index, cell in nbs.code(nb)}
        if anew:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        self.runs = self.folder / "runs"
        self.runs.mkdir(parents=True, exist_ok=True)
        if self.mode == "record":
            self._forget_changed()
            self._pretrained_off()
        elif not any(self.runs.iterdir()):
            print("  the trainings of the recording are not on this machine: they run anew")
        state = self.folder / "state.json"
        kept = state.is_file() and any(self.runs.iterdir())
        self.seconds = json.loads(state.read_text())["seconds"] if kept else 0.0
        self.begin = time.time()
        return self

    def __exit__(self, *error):
        for index, source in self.sources.items():
            self.nb.cells[index].source = source

    def env(self, new):
        """Return what tells dlimlib in the kernel that it is recorded, and into which folder."""
        return {
            "DLIM_RECORD": self.mode,
            "DLIM_RECORD_NAME": self.name,
            "DLIM_RECORD_DIR": str(new),
            "DLIM_RECORD_RUNS": str(self.runs),
            "DLIM_RECORD_START": str(self.begin - self.seconds),
        }

    def after(self, index):
        """Note after a cell how long it all took, and beside each new Run the code that trained it."""
        if self.mode != "record":
            return
        seconds = self.seconds + time.time() - self.begin
        (self.folder / "state.json").write_text(json.dumps({"seconds": seconds}))
        for run in self.runs.iterdir():
            if not (run / "code").exists():
                (run / "code").write_text(self.stamps.get(index, ""))

    def _forget_changed(self):
        for run in self.runs.iterdir():
            if not (run / "code").exists() or (run / "code").read_text() not in self.stamps.values():
                print(f"  {run.name}: the code down to its training has changed, so it trains anew")
                shutil.rmtree(run)

    def _pretrained_off(self):
        for _, cell in nbs.code(self.nb):
            cell.source = re.sub(r"(?m)^(PRETRAINED\s*=\s*)True\b", r"\1False", cell.source)


def seed_of(nb):
    """Return the number that the notebook assigns to SEED, or None."""
    for _, cell in nbs.code(nb):
        if match := re.search(r"(?m)^SEED\s*=\s*(\d+)", cell.source):
            return int(match[1])
    return None


def store(path, root, done, new, mode, recording):
    """Put notebook, figures and weights in place: first all files are written aside, then all are renamed."""
    name, files, gone = path.stem, {}, []
    for index, source in recording.sources.items():
        done.cells[index].source = source
    figures = (report.stored(name) or {}).get("figures", {})
    if mode == "record":
        paths = sorted((new / "results").glob("*.json"))
        results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
        for key, result in results.items():
            result["made_on"].update(seed=seed_of(done), data=nbs.data_version(done) or None)
            text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
            files[root / "data" / "results" / f"{key}.json"] = text.encode()
        figures = results.get(name, {}).get("figures", {})
        folder = root / "data" / "pretrained"
        for weights in sorted((new / "pretrained").glob("*.safetensors")):
            files[folder / weights.name] = weights.read_bytes()
        # weights that the notebook no longer saves
        old = folder.glob("*.safetensors")
        gone += [path for path in old if pretrained.belongs(path.stem, name) and path not in files]
    try:
        nbs.fill_marks(done, figures)
    except KeyError as error:
        raise Stopped(error.args[0]) from None
    if cover := nbs.set_cover(done):
        files[root / "docs" / f"{name}{cover[1]}"] = cover[0]
    conventions.put_metadata(done)
    done.metadata["dlim"] = {"stamp": recording.stamp, "data": nbs.data_version(done)}
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

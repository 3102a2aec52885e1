"""The process in which cells run: it is started, fed and read here, and all that comes from it is capped."""

import atexit
import contextlib
import functools
import json
import math
import os
import queue
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from .scratch import scratch

MAX_SOURCE, MAX_TEXT = 1 << 20, 20_000  # characters of a cell, of what it prints
MAX_VALUE, ROOM = 4 << 20, 64 << 10  # bytes of any value, of all that comes from a cell without probes
INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
COPY = "dlim-package-"  # how the name of a folder begins that holds a copy of the package
HOMES = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")  # all lead to the folder of the cells
OWN_SHARE = 1 / 3  # of all seconds, for the student's own cells: the others have the rest for themselves
ONE_OF_THEM = 1 / 3  # of what is left of that: the most that one of them may take, so that the next have some
QUICK = 0.1  # seconds that one of which nothing is known is thought to take


class Cell(NamedTuple):
    """A cell to run: as many values as `rooms`, bytes for each, are kept of it; is it the student's `own`?"""

    key: Any
    source: str
    rooms: tuple = ()
    own: bool = False


# ---------------------------------------------------------------------------------------- surroundings


@functools.cache
def package():
    """Return a folder that ends with this process and holds a copy of dlimlib, and no notebook beside it.

    A process that itself runs from such a copy, made by another, uses that.
    """
    own = Path(__file__).parents[3]
    if own.name.startswith(COPY):
        return str(own)
    folder = tempfile.mkdtemp(prefix=COPY)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(__file__).parents[2], Path(folder, "dlimlib"), ignore=ignore)
    return folder


def environment(folder):
    """Return the few variables of a process that runs in `folder`, which is its home."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    fixed = {"PYTHONPATH": package(), "OMP_NUM_THREADS": "1", "DLIM_PROFILE": "smoke", "MPLBACKEND": "agg"}
    fonts = {"MPLCONFIGDIR": str(Path(package(), "matplotlib"))}  # their list takes a second to make, once
    return inherited | dict.fromkeys(HOMES, str(folder)) | fixed | fonts


def program(name):
    """Return the command that runs a file of this folder in the copy, whose folder is not put on the path."""
    return [sys.executable, "-P", str(Path(package(), "dlimlib", "course", "grading", name))]


def launch(folder):
    """Start child.py in a plain process in `folder`: without a sandbox, so for our own code only."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        program("child.py"),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        bufsize=0,
        cwd=folder,
        env=environment(folder),
        start_new_session=os.name == "posix",
    )


# ---------------------------------------------------------------------------------------- one process


class Child:
    """One such process: its messages are read by a thread, capped, and sorted by cell."""

    def __init__(self, folder, launch=launch):
        self.process = launch(folder)
        self.lines = queue.Queue(maxsize=100)  # bounded, so that a flood waits in the pipe
        self.received, self.limit, self.text = 0, ROOM, bytearray()
        self.closed, self.printing = False, threading.Lock()
        if os.name == "posix":  # where a cell can make the pipe too small for the next job
            os.set_blocking(self.process.stdin.fileno(), False)
        for read in (self._read_lines, self._read_text):
            threading.Thread(target=read, daemon=True).start()
        if fatal := self._collect("ready", time.monotonic() + 60, 60)["fatal"]:
            self.close()
            raise RuntimeError(
                f"the process for the cells does not start: {fatal}\n{self.text.decode(errors='replace')}"
            )

    def close(self):
        """End the process and all that it started in its group."""
        self.closed = True
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def run(self, cell, seed, seconds):
        """Run a Cell; returns {records, error: None or [name, text], fatal: None or a text, text, begun}."""
        self.received, self.limit = 0, ROOM + sum(cell.rooms)
        self.text.clear()
        token, end = secrets.token_hex(8), time.monotonic() + seconds
        job = {"source": cell.source, "seed": seed, "token": token, "rooms": cell.rooms}
        if len(cell.source) > MAX_SOURCE:
            return failure("the cell is too long")
        try:
            self._write(json.dumps(job).encode() + b"\n", end)
        except OSError:
            return failure("the Python process has ended", begun=False)
        return self._collect(token, end, seconds, len(cell.rooms))

    def _write(self, data, end):
        """Write what the process takes; one that does not read will not answer in time either."""
        while data and time.monotonic() < end:
            data = data[self.process.stdin.write(data) or 0 :]
            if data:
                time.sleep(0.01)

    def _collect(self, token, end, seconds, probes=0):
        result = failure(None, begun=False)
        while result["fatal"] is None:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                result["fatal"] = f"stopped after {seconds:.3g} s (an infinite loop?)"
                break
            if isinstance(line, str):
                result["fatal"] = line
                break
            message = _read_message(line)
            if message.get("token") != token:
                continue  # not from us, or late words of another cell
            if "probe" in message:
                if len(result["records"]) <= probes > 0:  # one too many tells that they are forged
                    result["records"].append(message)
            elif "begun" in message:
                result["begun"] = True
            elif "done" in message:
                error = message.get("error")
                if isinstance(error, list) and [type(part) for part in error] == [str, str]:
                    result["error"] = [part[:2000] for part in error]
                break
        result["text"] = self._printed()
        return result

    def _printed(self):
        """Return what the cell has printed, which may still lie in the pipe."""
        for _ in range(100 if os.name == "posix" else 0):
            with self.printing:
                if not readable(self.process.stderr, 0):
                    break
            time.sleep(0.002)
        return bytes(self.text).decode(errors="replace")

    def _read_lines(self):
        """Hand on each line; a text in its place means that nothing more will come."""
        buffer = b""
        with self.process.stdout as pipe:
            while self._waited(pipe) and (data := self._read(pipe)):
                *lines, buffer = (buffer + data).split(b"\n") if b"\n" in data else [buffer + data]
                self.received += len(data)
                if self.received > self.limit:
                    return self._put("the code returned too much data")
                for line in filter(None, lines):
                    self._put(line)
        self._put("the code ended the Python process (os._exit, a crash, or too much memory)")

    def _read_text(self):
        with self.process.stderr as pipe:
            while self._waited(pipe):
                with self.printing:
                    if not (data := self._read(pipe)):
                        break
                    self.text += data[: max(0, MAX_TEXT - len(self.text))]

    def _waited(self, pipe):
        """Wait for what comes next; False after close(), whoever else still holds the pipe."""
        while not self.closed and os.name == "posix" and not readable(pipe, 0.5):
            pass
        return not self.closed

    def _read(self, pipe):
        try:
            return pipe.read(1 << 16)
        except (OSError, ValueError):
            return b""

    def _put(self, item):
        while not self.closed:
            try:
                return self.lines.put(item, timeout=0.5)
            except queue.Full:
                continue


def readable(pipe, seconds):
    """Whether in so many seconds something comes out of a pipe, be it its end; False when it is closed."""
    ready = select.poll()
    with contextlib.suppress(ValueError):
        ready.register(pipe, select.POLLIN)
    return bool(ready.poll(1000 * seconds))


def _read_message(line):
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def failure(fatal, *, begun=True):
    """Return the result of a cell that reported nothing."""
    return {"records": [], "error": None, "fatal": fatal, "text": "", "begun": begun}


# ---------------------------------------------------------------------------------------- all cells


def run_cells(cells, seed, seconds, in_all=math.inf, launch=launch):
    """Run Cells in order, each for `seconds` at most; returns {key: result}.

    What kills the process is left out, and the rest runs anew, until `in_all` seconds are over. So that the
    student's own cells take no time from the others, they have a share of it, and are left out when they need
    more than what is left allows: a quick one, which others may build on, still runs after many slow ones.
    """
    end, own = time.monotonic() + in_all, in_all * OWN_SHARE
    late = f"all cells together took longer than {in_all:.3g} s"
    results, left_out, took = {}, {}, {}
    while time.monotonic() < end:
        with scratch() as folder:
            child, before = Child(folder, launch), None
            try:
                for cell in cells:
                    begin = time.monotonic()
                    share = own * ONE_OF_THEM if cell.own else math.inf
                    allowed = min(seconds, end - begin, share)
                    if cell.key in left_out or allowed <= 0 or took.get(cell.key, QUICK) > share:
                        continue
                    result = results[cell.key] = child.run(cell, seed, allowed)
                    took[cell.key] = time.monotonic() - begin
                    if cell.own:
                        own -= took[cell.key]
                        own *= 0.5 if result["fatal"] else 1  # to start anew takes time as well
                    if result["fatal"] and time.monotonic() >= end:
                        result["fatal"] = late
                    if result["fatal"]:  # a cell that has not begun waited for the one before it
                        left_out[cell.key if result["begun"] or before is None else before] = result
                        break
                    before = cell.key
                else:
                    break
            finally:
                child.close()
    return {cell.key: failure(late) for cell in cells} | results | left_out

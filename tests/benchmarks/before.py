"""An earlier dlimlib beside today's, so that both are timed in turn on whatever processor this is."""

import contextlib
import importlib
import io
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

COMMIT = "89b714f"  # faces then took 0.88 times as long as their prototype, side by side


@contextlib.contextmanager
def module(name):
    """Import `name` of the dlimlib of COMMIT, beside today's; None where git does not know that commit."""
    command = ["git", "archive", COMMIT, "dlimlib"]
    try:
        archive = subprocess.run(command, cwd=Path(__file__).parent.parent.parent, capture_output=True)
    except FileNotFoundError:
        archive = None
    if archive is None or archive.returncode:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        Path(folder, "dlimlib").rename(Path(folder, "dlimlib_before"))
        sys.path.insert(0, folder)
        try:
            yield importlib.import_module(f"dlimlib_before.{name}")
        finally:
            sys.path.remove(folder)
            for loaded in [key for key in sys.modules if key.split(".")[0] == "dlimlib_before"]:
                del sys.modules[loaded]


def in_turn(ours, before, rounds=7):
    """Return the shortest processor time of each job in seconds, in turn; None for a job that is None."""
    times = {job: [] for job in (ours, before)}
    for _ in range(rounds):
        for job in filter(None, times):
            start = time.process_time()
            job()
            times[job].append(time.process_time() - start)
    return [min(times[job]) if job else None for job in (ours, before)]

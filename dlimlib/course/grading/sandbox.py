"""The process of a submission, shut in by bubblewrap: no network, no files but Python, PyTorch and dlimlib.

It sees no process but its own, writes into a small folder in memory that goes with it, and is ended with all
that it started. `reason()` says why that can't be had here. Faults of the kernel are not guarded against.
"""

import contextlib
import functools
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import process

MEMORY, DISK, SHARED = 3 << 30, 256 << 20, 64 << 20  # bytes: all processes together, /tmp, /dev/shm
FREE = 512 << 20  # bytes that the machine keeps: what lies in nameless files counts as no process's memory
PROCESSES = 256
LIMITS = {"DATA": MEMORY, "FSIZE": DISK, "CORE": 0, "NOFILE": 256, "NPROC": PROCESSES}
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts")
ALONE = "--unshare-all --unshare-user --disable-userns --cap-drop ALL --die-with-parent --new-session".split()
INSIDE = "/dlim"  # where the copy of the package lies there


def launch(_):
    """A `launch` for process.Child, in the sandbox; it needs no folder outside."""
    pipe = subprocess.PIPE
    started = subprocess.Popen(
        [*walls(), sys.executable, "-P", f"{INSIDE}/dlimlib/course/grading/child.py", json.dumps(LIMITS)],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        bufsize=0,
        env=environment(),
        start_new_session=True,
    )
    threading.Thread(target=watch, args=(started,), daemon=True).start()
    return started


def walls():
    """Return bubblewrap's command, up to the program that it runs."""
    package = process.package()
    command = ["bwrap", *ALONE, "--size", str(DISK), "--tmpfs", "/tmp"]  # first: Python may lie in it
    for path in dict.fromkeys([*SYSTEM, sys.base_prefix, sys.prefix, *own_packages()]):
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--size", str(SHARED), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    command += ["--ro-bind", package, INSIDE]
    for path in fonts().glob("*.json"):
        command += ["--ro-bind", str(path), f"/tmp/matplotlib/{path.name}"]
    return [*command, "--remount-ro", "/", "--chdir", "/tmp"]


def own_packages():
    """Return the folder of packages that were installed for this user alone, if it is in use."""
    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


@functools.cache
def fonts():
    """Return a folder with matplotlib's list of fonts, which takes a second to make."""
    folder = Path(process.package(), "matplotlib")
    env = os.environ | {"MPLCONFIGDIR": str(folder)}
    if not any(folder.glob("*.json")):
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], env=env, capture_output=True)
    return folder


def environment():
    """Return the few variables inside."""
    found = process.environment("/tmp") | {"PYTHONPATH": INSIDE, "MPLCONFIGDIR": "/tmp/matplotlib"}
    return found | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "USER": "student"}


@functools.cache
def reason():
    """Return why there is no sandbox here, in a sentence, or None."""
    if sys.platform != "linux" or not shutil.which("bwrap"):
        return "bubblewrap is not installed (it runs on Linux: apt install bubblewrap, or dnf)"
    here = Path(__file__).resolve().parents[3]
    for path in (sys.base_prefix, sys.prefix, *own_packages()):
        if here.is_relative_to(Path(path).resolve()) and (here / "notebooks").is_dir():
            return f"{path}, which the sandbox needs, holds the solutions: install Python elsewhere"
    trial = subprocess.run([*walls(), sys.executable, "-c", ""], env=environment(), capture_output=True)
    said = trial.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return f"bubblewrap does not work here ({''.join(said)})" if trial.returncode else None


# ---------------------------------------------------------------------------------------- the watch


def watch(started):
    """End a process when all that it started takes too much memory, or is too many, or little is left."""
    while started.poll() is None:
        found = descendants(started.pid)
        if len(found) > PROCESSES or sum(map(memory, found)) > MEMORY or free() < FREE:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
        time.sleep(0.2)


def descendants(pid):
    """Return the numbers of a process and of all that come from it, not many more than are allowed."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        if len(found) > PROCESSES:
            break
    return found


def memory(pid):
    """Return the bytes that a process holds itself: without files that are mapped, which all share."""
    with contextlib.suppress(OSError):
        return kilobytes(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))
    return 0


def free():
    """Return the bytes of memory that the machine has to spare."""
    return kilobytes("/proc/meminfo", ("MemAvailable:",))


def kilobytes(file, names):
    """Return the sum, in bytes, of what a file of /proc says in kB under these names."""
    lines = Path(file).read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(names))

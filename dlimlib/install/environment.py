"""Find or make the course's environment, and first say what stands in the way (standard library only)."""

import contextlib
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from dlimlib.install import inventory

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = (3, 11)
GB = 1024**3
CPU_BUILD = (
    "The build without CUDA is a tenth of that. Choose it with --torch-index ADDRESS; the address\n"
    'is the one after --index-url on pytorch.org, "Get started" (Pip, Compute Platform: CPU).'
)
STAMP = "dlim-installed.json"  # empty while an installation is under way: a cut one must not look whole
say = partial(print, flush=True)  # at once, so that it stands above what pip prints next


class Problem(Exception):
    """What stands in the way and what to do about it, in the reader's words."""


def variables():
    """Return the variables for a child: it finds dlimlib in this checkout, and pip heeds no `user = true`."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(command, **options):
    """Run a command and return its exit code; at Ctrl-C, which it gets too, wait for its end."""
    child = subprocess.Popen(command, env=variables(), **options)
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.wait()
        raise


def replace(command):
    """Go on as another command: take its place where the system can, else return its exit code."""
    if os.name != "posix":
        return run(command)
    sys.stdout.flush()
    os.execve(command[0], command, variables())


def venv_python(venv):
    """Return the path of the interpreter inside a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def active():
    """Return whether this interpreter belongs to a virtual or conda environment."""
    return sys.prefix != sys.base_prefix or Path(sys.prefix, "conda-meta").is_dir()


def inside(venv):
    """Return whether this interpreter is the one of `venv`."""
    return Path(sys.prefix).resolve() == venv.resolve()


def requirements(extras, root=ROOT):
    """Return what the course and these extras need, as pyproject.toml says it: ["numpy>=2.0", …]."""
    import tomllib  # not there before Python 3.11, where it must be said first

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])


def look(python, extras, root=ROOT):
    """Return what an interpreter lacks or has too old, and {name: version} of what has lost files there."""
    command = [str(python), inventory.__file__, *requirements(extras, root)]
    try:
        return tuple(json.loads(subprocess.run(command, capture_output=True).stdout))
    except (OSError, ValueError):
        return ["a working Python"], {}


def fingerprint(root):
    """Return a hash of what an installation depends on: the lists of packages, the checkout's place."""
    lists = [(root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"".join([*lists, os.fsencode(root)])).hexdigest()


def stamp(venv):
    """Return what the finished installation in `venv` wrote last, or an empty dict."""
    try:
        return json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def ready(extras, torch_index=None, root=ROOT):
    """Return the interpreter (str) that has what these extras need, None where there is none.

    It is the active environment's or .venv's. And {name: version} of what has lost files there.
    """
    venv, mark = root / ".venv", stamp(root / ".venv")
    candidates = [sys.executable] if active() and not inside(venv) and not torch_index else []
    fits = mark.get("of") == fingerprint(root) and set(extras) <= set(mark["extras"])
    if fits and torch_index in (None, mark["torch_index"]):
        candidates.append(sys.executable if inside(venv) else str(venv_python(venv)))
    for python in candidates:
        lacks, damaged = look(python, extras, root)
        if not lacks:
            return python, damaged
    return None, {}


def check_python():
    """Raise Problem when this Python is too old."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Problem(
            f"dlim needs Python 3.11 or newer, and this is {version} ({sys.executable}).\n"
            "Install a newer one (python.org, your system's packages, or conda), then start with it:\n"
            "    python3.12 -m dlimlib …"
        )


def check_disk(need, folder, why=""):
    """Raise Problem when fewer than `need` GB are free for `folder`."""
    free = shutil.disk_usage(folder).free / GB
    if free < need:
        raise Problem(
            f"The installation needs about {need} GB;\n{free:.1f} GB are free in {folder}.\n"
            f"Make room, or move the course to a larger disk, then start the same command again.{why}"
        )


def nvidia_gpu():
    """Return whether an NVIDIA GPU with its driver is here."""
    return bool(shutil.which("nvidia-smi") or glob.glob("/dev/nvidia[0-9]*"))


def cuda_build(python, torch_options):
    """Return whether pip would install PyTorch's build for CUDA (Linux only); False when pip can't say."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return False
    command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    command += ["--report", "-", *torch_options, "torch"]
    try:
        report = json.loads(subprocess.run(command, env=variables(), capture_output=True).stdout)
        needs = report["install"][0]["metadata"]["requires_dist"]
    except (ValueError, LookupError):
        return False
    return any(re.match("nvidia-|cuda-", line) for line in needs)


def check_cuda(folder):
    """Say when PyTorch's CUDA build comes for nothing; raise Problem when the disk can't hold it."""
    if not nvidia_gpu():
        say(
            "\nPyTorch will come with NVIDIA's CUDA libraries, about 5 GB on the disk, and this computer\n"
            "has no NVIDIA GPU. It works all the same, so the installation goes on; Ctrl-C stops it.\n"
            f"{CPU_BUILD}\n"
        )
    check_disk(8, folder, f"\nMost of it is for PyTorch's CUDA libraries. {CPU_BUILD}")


@contextlib.contextmanager
def only_one(root):
    """Let one process at a time install into a checkout; the others wait."""
    name = hashlib.sha256(f"{root} {os.environ.get('USER')}".encode()).hexdigest()[:16]
    with open(Path(tempfile.gettempdir(), f"dlim-{name}.lock"), "w") as file:
        if os.name == "posix":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                say("Another dlim command is installing here; this one waits for it.")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pip_install(python, *what):
    """Install by the pip of an interpreter; raise Problem when that fails."""
    if run([python, "-m", "pip", "install", *what]):
        raise Problem(
            "pip could not install everything; its own message stands above. Is the internet there?\n"
            "Then start the same command again. If pip finds no space although the disk has room, its\n"
            "temporary folder is too small: name another by the variable TMPDIR (on Windows TEMP)."
        )


def usable(venv):
    """Return whether `venv` can be brought up to date; a broken or half-made one is better made anew."""
    if inside(venv):
        return True  # who runs from it can't remove it
    half_made = (venv / STAMP).exists() and not stamp(venv)
    pip = [str(venv_python(venv)), "-m", "pip", "--version"]
    return (
        not half_made and os.path.exists(pip[0]) and not subprocess.run(pip, capture_output=True).returncode
    )


def make_venv(venv):
    """Make an empty virtual environment, in the place of what is left of an older one."""
    check_disk(2, venv.parent)
    say(f"{'Rebuilding' if venv.exists() else 'Making'} {venv}; this once it takes some minutes.")
    if venv.exists():
        shutil.rmtree(venv)
    venv.mkdir()
    (venv / STAMP).touch()
    if run([sys.executable, "-m", "venv", str(venv)]):
        raise Problem(
            f"{sys.executable} could not make a virtual environment; its own message stands above.\n"
            "Debian and Ubuntu keep what it needs for that in a package of its own:\n"
            "    sudo apt install python3-venv\n"
            "Then start the same command again."
        )


def make(extras, torch_index, root):
    """Make .venv or bring it up to date, with the course, editable, in the tested versions."""
    venv = root / ".venv"
    python, state = str(venv_python(venv)), venv / STAMP
    if usable(venv):
        say(f"Bringing {venv} up to date.")
    else:
        make_venv(venv)
    mark = stamp(venv)
    extras = sorted({*extras, *mark.get("extras", ())})
    torch_index = torch_index or mark.get("torch_index")
    options = ["-c", str(root / "constraints.txt"), *index_option(torch_index)]
    if cuda_build(python, options):
        check_cuda(venv)
    state.write_text("")
    try:
        other_torch = ["--upgrade", "torch"] if torch_index else []
        pip_install(python, *options, "-e", f"{root}[{','.join(extras)}]", *other_torch)
    except Problem:
        state.write_text(json.dumps(mark))  # pip gave up before it changed anything: what was there is whole
        raise
    state.write_text(json.dumps({"of": fingerprint(root), "extras": extras, "torch_index": torch_index}))
    say(f"Installed in {venv}; the next start takes seconds.\n")


def index_option(torch_index):
    return ["--extra-index-url", torch_index] if torch_index else []


def prepare(extras, torch_index=None, root=ROOT):
    """Return the interpreter (str) to use; first make .venv where none has what these extras need.

    What has lost files is installed again. Raises Problem, which says what stands in the way.
    """
    check_python()
    if not (root / "pyproject.toml").is_file():
        raise Problem(
            "This command works in the course's repository, and dlimlib was installed without it.\n"
            "Get the repository (git clone, or its zip file) and start the command in that folder."
        )
    with only_one(root):
        python, damaged = ready(extras, torch_index, root)
        if not python:
            try:
                make(extras, torch_index, root)
            except OSError as error:
                raise Problem(f".venv could not be made: {error}.\nIs {root} yours to write in?") from None
            python = str(venv_python(root / ".venv"))
            _, damaged = look(python, extras, root)
        if damaged:
            say(f"Files of {', '.join(damaged)} are gone; installing again what lacks them.")
            index = index_option(stamp(root / ".venv").get("torch_index"))
            versions = [f"{name}=={version}" for name, version in damaged.items()]
            pip_install(python, "--force-reinstall", "--no-deps", *index, *versions)
    return python

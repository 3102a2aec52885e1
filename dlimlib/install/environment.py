"""Finds or makes the course's environment and first says what stands in the way (standard library only)."""

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
from pathlib import Path

from dlimlib.install import inventory

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = (3, 11)
GB = 1024**3
DISK, DISK_WITH_CUDA = 2 * GB, 8 * GB
CPU_BUILD = (
    "The build without CUDA is a tenth of that. Choose it with --torch-index ADDRESS; the address\n"
    'is the one after --index-url on pytorch.org, "Get started" (Pip, Compute Platform: CPU).'
)
PIP_FAILED = (
    "pip could not install everything; its own message stands above. Is the internet there?\n"
    "Then start the same command again. If pip finds no space although the disk has room, its\n"
    "temporary folder is too small: name another by the variable TMPDIR (on Windows TEMP)."
)
STAMP, UNFINISHED = "dlim-installed.json", "dlim-unfinished"


class Problem(Exception):
    """What stands in the way and what to do about it, in the reader's words."""


def say(text):
    """Print at once, so that it stands above what pip prints next."""
    print(text, flush=True)


def run(command, **options):
    """Run a command to its end, even through Ctrl-C (the command gets it too); returns its exit code."""
    child = subprocess.Popen(command, **options)
    interrupted = False
    while True:
        try:
            code = child.wait()
            break
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return code


def replace(command, **env):
    """Go on as another command: take its place where the system can, else wait for its exit code."""
    env = {**os.environ, **env}
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(command[0], command, env)
    return run(command, env=env)


# --- what is there ---


def venv_python(venv):
    """The interpreter inside a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def python_version():
    return ".".join(map(str, sys.version_info[:2]))


def active():
    """Whether this interpreter belongs to a virtual or conda environment."""
    conda = os.environ.get("CONDA_PREFIX")
    return sys.prefix != sys.base_prefix or bool(conda) and inside(Path(conda))


def inside(venv):
    """Whether this interpreter is the one of `venv`."""
    return Path(sys.prefix).resolve() == venv.resolve()


def requirements(extras, root=ROOT):
    """Name and lowest version of everything that the course and these extras need, from pyproject.toml."""
    import tomllib  # not there before Python 3.11, where it must be said first

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    return dict(re.fullmatch(r"([\w.-]+)>=([\d.]+)", line).groups() for line in lines)


def look(python, extras, root=ROOT):
    """What an interpreter lacks or has in too old a version, and {name: version} of what has lost files.

    None when the interpreter doesn't work.
    """
    lowest = {inventory.name_of(name): version for name, version in requirements(extras, root).items()}
    try:
        done = subprocess.run([str(python), inventory.__file__, *lowest], capture_output=True, timeout=300)
        found, damaged = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None

    def number(version):
        return [int(part) for part in re.match(r"[\d.]*\d", version)[0].split(".")]

    old = {name for name, low in lowest.items() if found[name] and number(found[name]) < number(low)}
    gone = {name for name, version in found.items() if not version}
    return sorted(gone | old), {name: found[name] for name in sorted(damaged)}


def fingerprint(root=ROOT):
    """What an installation depends on: the lists of packages, the checkout's place, Python's version."""
    lists = b"".join((root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return {"lists": hashlib.sha256(lists).hexdigest(), "root": str(root), "python": python_version()}


def stamp(venv):
    """What the finished installation in `venv` wrote last, or an empty dict."""
    try:
        return json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def ready(extras, torch_index=None, root=ROOT):
    """The interpreter (str) that has what these extras need, the active environment's or .venv's, and
    {name: version} of what has lost files there; (None, {}) where there is none."""
    venv = root / ".venv"
    candidates = [sys.executable] if active() and not inside(venv) and not torch_index else []
    mark = stamp(venv)
    fits = {**mark, **fingerprint(root)} == mark and set(extras) <= set(mark.get("extras", ()))
    if fits and not (venv / UNFINISHED).exists() and torch_index in (None, mark.get("torch_index")):
        candidates.append(sys.executable if inside(venv) else str(venv_python(venv)))
    for python in candidates:
        lacks, damaged = look(python, extras, root) or ([python], {})
        if not lacks:
            return python, damaged
    return None, {}


def nvidia_gpu():
    """Whether an NVIDIA GPU with its driver is here (on WSL too)."""
    files = glob.glob("/dev/nvidia[0-9]*") + glob.glob("/usr/lib/wsl/lib/libcuda*")
    return bool(files or shutil.which("nvidia-smi"))


# --- what stands in the way ---


def check_python():
    """Raise Problem when this Python is too old."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise Problem(
            f"dlim needs Python 3.11 or newer, and this is {python_version()} ({sys.executable}).\n"
            "Install a newer one (python.org, your system's packages, or conda), then start with it:\n"
            "    python3.12 -m dlimlib …"
        )


def check_checkout(root=ROOT):
    """Raise Problem when dlimlib isn't in the course's repository."""
    if not (root / "pyproject.toml").is_file():
        raise Problem(
            "This command works in the course's repository, and dlimlib was installed without it.\n"
            "Get the repository (git clone, or its zip file) and start the command in that folder."
        )


def check_venv():
    """Raise Problem when this Python can't make virtual environments with pip."""
    try:
        import ensurepip
        import venv  # noqa: F401

        ensurepip.version()
    except (ImportError, OSError):
        raise Problem(
            f"This Python ({sys.executable}) can't make a virtual environment with pip: its modules\n"
            "venv and ensurepip are not there. Debian and Ubuntu keep them in a package of their own:\n"
            f"    sudo apt install python3-venv        (or python{python_version()}-venv)\n"
            "Then start the same command again."
        ) from None


def check_disk(need, folder, why=""):
    """Raise Problem when fewer than `need` bytes are free for `folder`."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise Problem(
            f"The installation needs about {need / GB:.0f} GB{why};\n"
            f"{free / GB:.1f} GB are free in {folder}.\n"
            "Make room, or move the course to a larger disk, then start the same command again."
        )


def cuda_build(python, torch_index, root=ROOT):
    """Whether pip would install PyTorch's build for CUDA (Linux only); False when pip can't say."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return False
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--report", str(report), "-c", "constraints.txt", *index_option(torch_index), "torch"]
        with contextlib.suppress(OSError, ValueError, LookupError, subprocess.TimeoutExpired):
            subprocess.run(command, cwd=root, env=pip_env(), capture_output=True, timeout=120)
            torch = json.loads(report.read_text(encoding="utf-8"))["install"][0]["metadata"]
            return any(re.match("nvidia-|cuda-", line) for line in torch["requires_dist"])
    return False


def check_torch(python, torch_index, folder, root=ROOT):
    """Say when PyTorch's CUDA build would come for nothing; raise Problem when the disk can't hold it."""
    if not cuda_build(python, torch_index, root):
        return
    if not nvidia_gpu():
        say(
            "\nPyTorch will come with NVIDIA's CUDA libraries, about 5 GB on the disk, and this computer\n"
            "has no NVIDIA GPU. It works all the same, so the installation goes on; Ctrl-C stops it.\n"
            f"{CPU_BUILD}\n"
        )
    try:
        check_disk(DISK_WITH_CUDA, folder, " with PyTorch's CUDA libraries")
    except Problem as problem:
        raise Problem(f"{problem}\n{CPU_BUILD}") from None


# --- making it ---


def index_option(torch_index):
    return ["--extra-index-url", torch_index] if torch_index else []


def pip_env():
    """The variables for pip: a user's own `user = true` would fail in a virtual environment."""
    return {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


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


def make_venv(venv):
    """Make an empty virtual environment, in the place of what is left of an older one."""
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    elif venv.exists():
        shutil.rmtree(venv)
    venv.mkdir()
    (venv / UNFINISHED).touch()  # gone when all is installed: a cut installation must not look whole
    if run([sys.executable, "-m", "venv", str(venv)]):
        raise Problem("The virtual environment could not be made; Python's own message stands above.")


def install(venv, extras, torch_index, root=ROOT):
    """Install the course, editable, in the tested versions; the stamp is written last."""
    python = str(venv_python(venv))
    check_torch(python, torch_index, venv, root)
    command = [python, "-m", "pip", "install", "-c", "constraints.txt", "-e", f".[{','.join(extras)}]"]
    if torch_index:
        command += ["--upgrade", "torch", *index_option(torch_index)]
    (venv / UNFINISHED).touch()
    if run(command, cwd=root, env=pip_env()):
        if stamp(venv):
            (venv / UNFINISHED).unlink()  # pip gave up before it changed anything: what was there is whole
        raise Problem(PIP_FAILED)
    mark = {**fingerprint(root), "extras": extras, "torch_index": torch_index}
    (venv / STAMP).write_text(json.dumps(mark, indent=1), encoding="utf-8")
    (venv / UNFINISHED).unlink()


def repair(python, damaged, torch_index=None):
    """Install again, in the version that is there, what has lost files: {name: version}."""
    say(f"Files of {', '.join(damaged)} are gone; installing again what lacks them.")
    command = [python, "-m", "pip", "install", "--force-reinstall", "--no-deps", *index_option(torch_index)]
    if run([*command, *(f"{name}=={version}" for name, version in damaged.items())], env=pip_env()):
        raise Problem(PIP_FAILED)


def usable(venv, root=ROOT):
    """Whether `venv` can be brought up to date; a broken, cut or differently aged one is better made anew."""
    if inside(venv):
        return True  # who runs from it can't remove it
    python = str(venv_python(venv))
    if (venv / UNFINISHED).exists() or stamp(venv).get("python", python_version()) != python_version():
        return False
    pip = [python, "-m", "pip", "--version"]
    return look(python, [], root) is not None and not subprocess.run(pip, capture_output=True).returncode


def make(extras, torch_index=None, root=ROOT):
    """Make .venv or bring it up to date; returns its interpreter (str)."""
    venv = root / ".venv"
    try:
        if usable(venv, root):
            say(f"Bringing {venv} up to date.")
            extras = sorted({*extras, *stamp(venv).get("extras", ())})
            torch_index = torch_index or stamp(venv).get("torch_index")
        else:
            check_venv()
            check_disk(DISK, root)
            say(f"{'Rebuilding' if venv.exists() else 'Making'} {venv}; this once it takes some minutes.")
            make_venv(venv)
        install(venv, extras, torch_index, root)
    except OSError as error:
        raise Problem(f"{venv} could not be made: {error}.\nIs the folder yours to write in?") from None
    say(f"Installed in {venv}; the next start takes seconds.\n")
    return str(venv_python(venv))


def prepare(extras, torch_index=None, root=ROOT):
    """The interpreter to use (str); first makes .venv where nothing has what these extras need, and repairs
    what has lost files. Raises Problem, which says what stands in the way.
    """
    check_python()
    check_checkout(root)
    python, damaged = ready(extras, torch_index, root)
    if not python or damaged:
        with only_one(root):  # perhaps it was only the other one that had to finish
            python, damaged = ready(extras, torch_index, root)
            if not python:
                python = make(extras, torch_index, root)
                _, damaged = look(python, extras, root) or ([], {})
            if damaged:
                repair(python, damaged, stamp(root / ".venv").get("torch_index"))
    return python

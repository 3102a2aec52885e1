"""What works here, and what to do about what doesn't (standard library only until PyTorch is asked for)."""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import dlimlib
from dlimlib import settings
from dlimlib.install import environment

OK, NOTE, BAD = "ok", "note", "BAD"
GB = environment.GB
LAB = "`python -m dlimlib lab`"
REBUILD = f"Remove the folder .venv and start {LAB} again."
MODULES = {"Pillow": "PIL", "jupyterlab": "jupyterlab.labapp"}  # imported by a name of their own
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "chrome")


def python():
    """The interpreter and the environment it belongs to."""
    version = f"{platform.python_version()} ({sys.executable})"
    try:
        environment.check_python()
    except environment.Problem as problem:
        return BAD, version, str(problem)
    if sys.prefix != sys.base_prefix or environment.active():
        return OK, version
    return NOTE, version, f"This Python stays as it is: {LAB} makes .venv and works there."


def packages():
    """Whether everything that the course needs is installed, in the versions it needs, with all its files."""
    try:
        lowest = environment.requirements(["lab"])
    except OSError:  # installed without a checkout: its metadata says the same
        return OK, f"dlimlib {dlimlib.__version__} without the course's repository"
    except ImportError:
        return BAD, "can't be listed", "They need a newer Python first."
    lacks, damaged = environment.look(sys.executable, ["lab"]) or (["a working Python"], {})
    if lacks:
        return BAD, f"missing or too old: {', '.join(lacks)}", f"{LAB} installs them into .venv."
    if damaged:
        return BAD, f"files are gone of {', '.join(damaged)}", f"{LAB} installs them again."
    for name in lowest:
        try:
            importlib.import_module(MODULES.get(name, name))
        except Exception as error:  # whatever a broken package raises
            return BAD, f"{name} can't be imported: {error}", REBUILD
    return OK, f"all {len(lowest)} are here and can be imported"


def torch():
    """PyTorch and the device that it will use."""
    if not importlib.util.find_spec("torch"):
        return BAD, "not installed", f"{LAB} installs it."
    try:
        import torch

        device = settings.device()
        value = torch.ones(2, device=device).sum().item()
    except (ImportError, AttributeError, OSError, RuntimeError) as error:  # files gone, old driver
        return BAD, f"doesn't work: {error}", REBUILD
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} processor cores"
    text = f"{torch.__version__} on {device.type} ({name}), profile {settings.profile()}"
    if value != 2:
        return BAD, f"{text}: it computes 1 + 1 = {value}", "Update the driver of the graphics card."
    if device.type == "cpu" and environment.nvidia_gpu():
        remedy = (
            "There is an NVIDIA GPU that this PyTorch can't use. Update its driver, or get a build for it:\n"
            '`python -m dlimlib lab --torch-index ADDRESS`, the address from pytorch.org, "Get started".'
        )
        return NOTE, text, remedy
    return OK, text


def memory():
    """The computer's memory."""
    total = total_memory()
    if total is None:
        return NOTE, "can't be read here", "4 GB are enough."
    if total < 3.5 * GB:
        return NOTE, f"{total / GB:.1f} GB", "Close other programs, and lower the batch size if it runs out."
    return OK, f"{total / GB:.0f} GB"


def total_memory():
    """Bytes of memory in this computer, or None."""
    if os.name == "nt":
        import ctypes

        status = (ctypes.c_ulonglong * 8)()  # MEMORYSTATUSEX: two 32-bit numbers, then seven 64-bit ones
        ctypes.cast(status, ctypes.POINTER(ctypes.c_ulong))[0] = ctypes.sizeof(status)
        return status[1] if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def folder():
    """The folder for downloads, caches and checkpoints: may one write there, and has its disk room?"""
    home = settings.home()
    remedy = "Set the variable DLIM_HOME to a folder of yours on a disk with room."
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"dlim")
    except OSError as error:
        return BAD, f"{home} can't be written: {error}", remedy
    free = shutil.disk_usage(home).free
    text = f"{home}, {free / GB:.0f} GB free"
    return (OK, text) if free > GB else (NOTE, text, remedy)


def data():
    """The data sets that are here already."""
    cache = settings.home() / "data"
    names = sorted(p.name for p in cache.iterdir() if not p.name.startswith(".")) if cache.is_dir() else []
    return OK, f"cached: {', '.join(names) or 'nothing yet'}; toy-faces and toy-digits need no internet"


def mirror():
    """Where real data sets come from."""
    place = os.environ.get("DLIM_MIRROR")
    if not place:
        return OK, "none (DLIM_MIRROR): downloads come from each data set's own address"
    remedy = "Correct the variable DLIM_MIRROR, or remove it."
    if "://" not in place:
        found = Path(place).expanduser().is_dir()
        return (OK, place) if found else (BAD, f"{place} is no folder", remedy)
    try:
        urllib.request.urlopen(place, timeout=5).close()
    except urllib.error.HTTPError:
        pass  # it answers; not every server lists its folders
    except (OSError, ValueError) as error:
        return BAD, f"{place} doesn't answer: {error}", remedy
    return OK, place


def lab():
    """JupyterLab."""
    try:
        return OK, importlib.metadata.version("jupyterlab")
    except importlib.metadata.PackageNotFoundError:
        return BAD, "not installed", f"{LAB} installs it."


def browser():
    """A browser for the tests that open a notebook as a reader does."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return OK, found
    return NOTE, "no Chromium or Chrome", "Only the browser tests need one; without it they are skipped."


CHECKS = {
    "Python": python,
    "packages": packages,
    "PyTorch": torch,
    "memory": memory,
    "folder": folder,
    "data": data,
    "mirror": mirror,
    "JupyterLab": lab,
    "browser": browser,
}


def main():
    """Print one line for each check and what to do about it below; 1 when something must be mended."""
    verdicts = []
    for name, check in CHECKS.items():
        verdict, text, *remedy = check()
        print(f"{verdict:>4}  {name:<11} {text}")
        for line in "\n".join(remedy).splitlines():
            print(f"{'':20}{line}")
        verdicts.append(verdict)
    bad = verdicts.count(BAD)
    print(f"\n{bad} of these must be mended first." if bad else "\nEverything that the course needs is here.")
    return int(bad > 0)

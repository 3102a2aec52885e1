"""What works here, and what to do about what doesn't (standard library only until PyTorch is asked for)."""

import importlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import dlimlib
from dlimlib import settings
from dlimlib.install import environment, inventory

OK, NOTE, BAD = "ok", "note", "BAD"
MEND = "`python -m dlimlib lab` mends it in .venv; where it doesn't, remove that folder first."
MODULES = {"pillow": "PIL", "jupyterlab": "jupyterlab.labapp"}  # imported by a name of their own


def python():
    """Check the interpreter and the environment it belongs to."""
    version = f"{platform.python_version()} ({sys.executable})"
    if environment.active():
        return OK, version
    return NOTE, version, "This Python stays as it is: `python -m dlimlib lab` makes .venv and works there."


def packages():
    """Check that all that the course needs is here, new enough, with all its files, and can be imported."""
    try:
        names = [inventory.name_of(line) for line in environment.requirements(["lab"])]
    except OSError:  # installed without a checkout: its metadata says the same
        return OK, f"dlimlib {dlimlib.__version__} without the course's repository"
    lacks, damaged = environment.look(sys.executable, ["lab"])
    if lacks:
        return BAD, f"missing or too old: {', '.join(lacks)}", MEND
    if damaged:
        return BAD, f"files are gone of {', '.join(damaged)}", MEND
    for name in names:
        try:
            importlib.import_module(MODULES.get(name, name))
        except Exception as error:  # whatever a broken package raises
            return BAD, f"{name} can't be imported: {error}", MEND
    return OK, f"all {len(names)} are here and can be imported"


def torch():
    """Check PyTorch and the device that it will use."""
    try:
        import torch

        device = settings.device()
        torch.ones(2, device=device).sum().item()
    except (ImportError, AttributeError, OSError, RuntimeError) as error:  # files gone, old driver
        return BAD, f"doesn't work: {error}", MEND
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} processor cores"
    text = f"{torch.__version__} on {device.type} ({name}), profile {settings.profile()}"
    if device.type == "cpu" and environment.nvidia_gpu():
        remedy = (
            "Update the driver of the NVIDIA GPU, or get a PyTorch that can use it, from the address that\n"
        )
        remedy += 'pytorch.org shows under "Get started": `python -m dlimlib lab --torch-index ADDRESS`.'
        return NOTE, text, remedy
    return OK, text


def memory():
    """Check the computer's memory."""
    try:
        import psutil  # JupyterLab brings it
    except ImportError:
        return NOTE, "can't be read yet", "4 GB are enough."
    total = psutil.virtual_memory().total / environment.GB
    if total < 3.5:
        return NOTE, f"{total:.1f} GB", "Close other programs, and lower the batch size if it runs out."
    return OK, f"{total:.0f} GB"


def folder():
    """Check that downloads, caches and checkpoints can be written, and have room; name the data sets here."""
    home = settings.home()
    remedy = "Set the variable DLIM_HOME to a folder of yours on a disk with room."
    try:
        (home / "data").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"dlim")
        names = sorted(path.name for path in (home / "data").glob("[!.]*"))
    except OSError as error:
        return BAD, f"{home} can't be written: {error}", remedy
    free = shutil.disk_usage(home).free / environment.GB
    text = f"{home}, {free:.0f} GB free; data: {', '.join(names) or 'none yet, toy-faces needs no internet'}"
    return (OK, text) if free > 1 else (NOTE, text, remedy)


def mirror():
    """Check the classroom's mirror of the real data sets, if it is a folder."""
    place = os.environ.get("DLIM_MIRROR")
    if not place or "://" in place or Path(place).expanduser().is_dir():
        return OK, place or "none (DLIM_MIRROR): downloads come from each data set's own address"
    return BAD, f"{place} is no folder", "Correct the variable DLIM_MIRROR, or remove it."


def main():
    """Print one line for each check and what to do about it below; return 1 when something must be mended."""
    verdicts = []
    for check in (python, packages, torch, memory, folder, mirror):
        verdict, text, *remedy = check()
        print(f"{verdict:>4}  {check.__name__:<11} {text}")
        for line in "\n".join(remedy).splitlines():
            print(f"{'':20}{line}")
        verdicts.append(verdict)
    bad = verdicts.count(BAD)
    print(f"\n{bad} of these must be mended first." if bad else "\nEverything that the course needs is here.")
    return int(bad > 0)

"""Where the course runs: profile, budget, seed, device and folders."""

from __future__ import annotations  # old Pythons read this file too

import os
import random
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

PROFILES = ("smoke", "cpu", "gpu")


def profile() -> str:
    """Return the profile in force: $DLIM_PROFILE, or "gpu" where CUDA is there and "cpu" elsewhere.

    ValueError with the choices if $DLIM_PROFILE is none of them.
    """
    name = os.environ.get("DLIM_PROFILE") or ("gpu" if device().type == "cuda" else "cpu")
    if name not in PROFILES:
        raise ValueError(f"DLIM_PROFILE must be one of {', '.join(PROFILES)}, got {name!r}")
    return name


def budget(*, smoke: T, cpu: T, gpu: T) -> T:
    """Choose a number of steps, of pictures, of anything, by the profile in force."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]


def steps(*, smoke: int, cpu: int, gpu: int) -> int:
    """Choose a number of training steps by the profile, times $DLIM_EFFORT (by default, and at smoke, 1)."""
    said = os.environ.get("DLIM_EFFORT") or "1"
    try:
        effort = float(said)
    except ValueError:
        effort = 0.0
    if not 0 < effort < float("inf"):
        raise ValueError(f"DLIM_EFFORT must be a positive number such as 4 or 0.5, got {said!r}")
    return max(1, round(budget(smoke=smoke, cpu=cpu * effort, gpu=gpu * effort)))


def seed(n: int = 0) -> None:
    """Seed the random numbers of Python, NumPy and PyTorch (every device) with n."""
    import numpy as np
    import torch

    random.seed(n)
    np.random.seed(n % 2**32)
    torch.manual_seed(n)


def device() -> torch.device:
    """Choose the fastest device here, cuda, mps or cpu; on cuda TF32 is switched on, the first time."""
    import torch

    if torch.cuda.is_available():
        _allow_tf32()
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@cache  # once, so that whoever sets it otherwise afterwards is heeded
def _allow_tf32():
    import torch

    torch.set_float32_matmul_precision("high")  # TF32: much faster, errors of 0.1 %
    torch.backends.cudnn.allow_tf32 = True


def home() -> Path:
    """Return the folder for downloads, caches, checkpoints: $DLIM_HOME, or `dlim` in the user's cache."""
    if os.environ.get("DLIM_HOME"):
        return Path(os.environ["DLIM_HOME"]).expanduser()
    caches = {"win32": ("LOCALAPPDATA", "~/AppData/Local"), "darwin": ("", "~/Library/Caches")}
    variable, default = caches.get(sys.platform, ("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get(variable) or default).expanduser() / "dlim"


def checkout() -> Path | None:
    """Return the root of the course's repository when dlimlib lies in it, else None."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None


def stored(name: str) -> Path | None:
    """Return the file data/NAME of the checkout, else _NAME of the package; None where it is not there."""
    root = checkout()
    path = root / "data" / name if root else Path(__file__).parent / f"_{name}"
    return path if path.is_file() else None

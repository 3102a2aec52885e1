"""Where the course runs: profile, budget, seed, device and folders."""

from __future__ import annotations  # old Pythons read this too

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

PROFILES = ("smoke", "cpu", "gpu")


def profile() -> str:
    """The profile in force: $DLIM_PROFILE, or "gpu" where CUDA is there and "cpu" elsewhere."""
    name = os.environ.get("DLIM_PROFILE") or ("gpu" if device().type == "cuda" else "cpu")
    if name not in PROFILES:
        raise ValueError(f"DLIM_PROFILE must be one of {', '.join(PROFILES)}, got {name!r}")
    return name


def budget(*, smoke: T, cpu: T, gpu: T) -> T:
    """Choose a number of steps, of pictures, of anything, by the profile in force."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]


def seed(n: int = 0) -> None:
    """Seed the random numbers of Python, NumPy and PyTorch (every device) with n."""
    import numpy as np
    import torch

    random.seed(n)
    np.random.seed(n % 2**32)
    torch.manual_seed(n)


def device() -> torch.device:
    """The fastest torch.device here: cuda, mps or cpu."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def home() -> Path:
    """The folder for downloads, caches and checkpoints: $DLIM_HOME, or `dlim` in the user's cache folder."""
    if os.environ.get("DLIM_HOME"):
        return Path(os.environ["DLIM_HOME"]).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "dlim"


def checkout() -> Path | None:
    """The root of the course's repository when dlimlib lies in it, else None."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None

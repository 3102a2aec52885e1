"""Where the course runs: profile, budget, seed, device and folders."""

import os
import random
import sys
from pathlib import Path

PROFILES = ("smoke", "cpu", "gpu")


def profile():
    """The profile in force: $DLIM_PROFILE, or "gpu" where CUDA is there and "cpu" elsewhere."""
    name = os.environ.get("DLIM_PROFILE") or ("gpu" if device().type == "cuda" else "cpu")
    if name not in PROFILES:
        raise ValueError(f"DLIM_PROFILE must be one of {', '.join(PROFILES)}, got {name!r}")
    return name


def budget(*, smoke, cpu, gpu):
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
    return max(1, round(budget(smoke=smoke, cpu=cpu, gpu=gpu) * (1 if profile() == "smoke" else effort)))


def seed(n=0):
    """Seed the random numbers of Python, NumPy and PyTorch (every device) with n."""
    import numpy as np
    import torch

    random.seed(n)
    np.random.seed(n % 2**32)
    torch.manual_seed(n)


def device():
    """The fastest torch.device here: cuda, mps or cpu."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def home():
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


def checkout():
    """The root of the course's repository when dlimlib lies in it, else None."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None

"""Install what dlimlib needs and this Python lacks, for a notebook's first cell (standard library only)."""

import subprocess
import sys
from importlib import metadata

from dlimlib.install.inventory import name_of

KEEP = ("torch", "numpy", "ipywidgets")  # a Colab kernel has them loaded: another version would break it


def plan(requirements, present):
    """Return what to hand to pip: the requirements not present ({name: version}), with KEEP as they are."""
    needs = {name_of(text): text for text in requirements if "extra ==" not in text}
    missing = [text for name, text in needs.items() if name not in present]
    return [*missing, *(f"{name}=={present[name]}" for name in KEEP if name in present)] if missing else []


def main():
    """Look at the installed packages and call pip where some are missing."""
    installed = [dist for dist in metadata.distributions() if dist.metadata["Name"]]
    present = {name_of(dist.metadata["Name"]): dist.version for dist in installed}
    todo = plan(metadata.requires("dlimlib") or [], present)
    return subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *todo]) if todo else 0


if __name__ == "__main__":
    sys.exit(main())

"""Stamp the address of the course's repository into pyproject.toml, the badges and the bootstrap cells."""

import argparse
import re
import sys
import tomllib

from .. import settings
from . import notebook as nbs

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repo}/blob/main/notebooks/{name}.ipynb)"
)
BOOTSTRAP = """\
# Where the course's package is missing (on Colab, or beside a lone notebook), this cell installs it.
import os
import subprocess
import sys
from glob import glob
from importlib import invalidate_caches
from importlib.util import find_spec

from IPython.core.error import UsageError

address = os.environ.get("DLIM_REPO", "{address}")
source = glob("dlim*.zip")[:1] or ["git+" + address] * bool(address)
if find_spec("dlimlib") is None and source:
    python = [sys.executable, "-m"]
    if subprocess.call([*python, "pip", "install", "--quiet", "--no-deps", *source]) == 0:
        subprocess.check_call([*python, "dlimlib.bootstrap"])  # and what else is missing
    invalidate_caches()
if find_spec("dlimlib") is None:
    raise UsageError(
        "This notebook needs dlimlib: upload the course's repository as dlim.zip beside it, or add the line "
        "%env DLIM_REPO=https://... with the repository's address above, and run this cell again."
    )
print("dlimlib is ready.")"""


def bootstrap_source(repo=None):
    """Return the first code cell of a notebook, for the repository OWNER/NAME (None: not known yet)."""
    return BOOTSTRAP.format(address=f"https://github.com/{repo}" if repo else "")


def repository(root):
    """Return OWNER/NAME as pyproject.toml at root states it, or None."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    address = project.get("urls", {}).get("Repository", "")
    return address.removeprefix("https://github.com/") or None


def stamp(nb, name, repo):
    """Put the badge and the bootstrap cell for OWNER/NAME (or None) into the notebook called `name`."""
    put_badge(nb, BADGE.format(repo=repo, name=name) if repo else "")
    for cell in nb.cells:
        if cell.get("id") == "bootstrap":
            cell.source = bootstrap_source(repo)


def put_badge(nb, badge):
    """Put a badge, or nothing, between the marks of the notebook's title."""
    for cell in nb.cells:
        if cell.get("id") == "title":
            cell.source = re.sub(
                r"(?s)(<!--badges-->).*?(<!--/badges-->)", lambda m: m[1] + badge + m[2], cell.source
            )  # fmt: skip


def write_address(root, repo):
    """Write the address of OWNER/NAME into [project.urls] of pyproject.toml, its one place."""
    path = root / "pyproject.toml"
    text, line = path.read_text(encoding="utf-8"), f'Repository = "https://github.com/{repo}"\n'
    if "[project.urls]" not in text:
        text = re.sub(r"(?m)^\[(?!project\]|build-system)", f"[project.urls]\n{line}\n[", text, count=1)
    elif re.search(r"(?m)^Repository\s*=.*\n", text):
        text = re.sub(r"(?m)^Repository\s*=.*\n", line, text)
    else:
        text = text.replace("[project.urls]\n", f"[project.urls]\n{line}")
    path.write_text(text, encoding="utf-8", newline="\n")
    if repository(root) != repo:
        raise ValueError(f'add to {path}: [project.urls] Repository = "https://github.com/{repo}"')


def main(argv=None):
    """`python -m dlimlib badges`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dlimlib badges", description=__doc__)
    parser.add_argument("--repo", metavar="OWNER/NAME", help="on GitHub; default: the known one")
    options = parser.parse_args(argv)
    if options.repo and not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repo):
        parser.error(f"--repo must be OWNER/NAME, got {options.repo}")
    root = settings.checkout()
    if root is None:
        print("badges works in a checkout of the course's repository only", file=sys.stderr)
        return 1
    if options.repo:
        write_address(root, options.repo)
    repo = repository(root)
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        nb = nbs.read(path)
        before = nbs.dumps(nb)
        stamp(nb, path.stem, repo)
        if nbs.dumps(nb) != before:
            nbs.write(nb, path)
            print(f"stamped {path.name}")
    print(f"the repository is {'https://github.com/' + repo if repo else 'not known yet'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

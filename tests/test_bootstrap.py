"""A notebook alone in an empty folder, with an empty environment, installs the course's package and runs."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

from dlimlib.course import badges
from dlimlib.course import notebook as nbs
from dlimlib.install import bootstrap

ROOT = Path(__file__).parents[1]
MISSING = "tqdm"  # the one requirement that the environment lacks


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The python of an environment that links to the packages of this one, without dlimlib and MISSING."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    shared = venv / "shared"
    shared.mkdir()
    absent = ("dlim", "_dlim", "_editable", "__editable", "pip", MISSING)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        name = entry.name.lower()
        if not name.startswith(absent) and ".pth" not in name:
            (shared / entry.name).symlink_to(entry)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    Path(where, "shared.pth").write_text(str(shared))
    return python


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """The folder of a git repository that holds the package as it is now."""
    root = tmp_path_factory.mktemp("origin") / "dlim-main"
    for name in ("dlimlib", "data/results", "data/pretrained", "data/drawings"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("source", ["the address of a repository", "an uploaded zip"])
def test_a_lone_notebook_installs_what_it_needs(python, origin, tmp_path, source):
    look = "import dlimlib, numpy, torch, tqdm\nassert len(dlimlib.data.drawings.strokes()) == 20\n"
    look += "print(dlimlib.__file__, torch.__version__, numpy.__version__)"
    cells = [nbformat.v4.new_code_cell(source) for source in (badges.bootstrap_source(), look)]
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbs.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "lone.ipynb")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MPLBACKEND", "DLIM_REPO")}
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1")
    if source == "an uploaded zip":
        shutil.make_archive(str(tmp_path / "dlim-main"), "zip", origin.parent, origin.name)
    else:
        env.update(DLIM_REPO=origin.as_uri())
    subprocess.run([python, "-m", "pip", "uninstall", "-qy", "dlimlib", MISSING], env=env)
    program = """
import sys, nbformat, nbclient
nb = nbformat.read("lone.ipynb", 4)
client = nbclient.NotebookClient(nb, timeout=120)
client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
client.execute()
print(*(output.text for cell in nb.cells for output in cell.outputs))
"""
    done = subprocess.run([python, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "dlimlib is ready." in done.stdout
    import numpy
    import torch

    where, *versions = done.stdout.split()[-3:]
    assert Path(where).is_relative_to(python.parents[1])
    assert versions == [torch.__version__, numpy.__version__]


def test_what_pip_is_asked_for():
    wants = ["torch>=2.4", "scikit-learn>=1.4", "tqdm>=4.66", 'jupyterlab; extra == "lab"', "ipywidgets>=7"]
    present = {"torch": "2.11.0", "scikit-learn": "1.0", "ipywidgets": "7.7.1"}
    assert bootstrap.plan(wants, present) == ["tqdm>=4.66", "torch==2.11.0", "ipywidgets==7.7.1"]
    assert bootstrap.plan(wants, present | {"tqdm": "1"}) == []
    assert bootstrap.name_of("Scikit_Learn>=1") == "scikit-learn"

"""The package in an empty virtual environment: conda's file, the wheel, `lab` and `doctor`."""

import os
import re
import shutil
import socket
import subprocess
import time
import types
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

import dlimlib
from dlimlib.install import environment

ROOT = environment.ROOT
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("git") and (ROOT / ".git").exists()), reason="needs a git clone"),
]


def git(*arguments, cwd=ROOT):
    return subprocess.check_output(["git", *map(str, arguments)], cwd=cwd, text=True)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A clone of what is committed, and an environment with the pip section of its environment.yml."""
    folder = tmp_path_factory.mktemp("install")
    clone = folder / "clone"
    git("clone", "-q", ROOT, clone)
    venv.create(folder / "env", with_pip=True)
    python = environment.venv_python(folder / "env")
    drop = ("PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX", "VIRTUAL_ENV")
    env = {key: value for key, value in os.environ.items() if key not in drop}
    env |= {"PATH": os.pathsep.join([str(python.parent), env["PATH"]]), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*command, cwd=clone, **more):
        command = [str(python), *map(str, command)]
        return subprocess.run(command, cwd=cwd, env={**env, **more}, capture_output=True, text=True)

    # conda hands the section to pip as a file of requirements
    section = re.search(r"- pip:\n((?: +- .*\n)+)", (clone / "environment.yml").read_text())[1]
    (clone / "from-conda.txt").write_text(re.sub(r"^ +- ", "", section, flags=re.MULTILINE))
    conda = run("-m", "pip", "install", "--no-compile", "--quiet", "-r", "from-conda.txt")
    (clone / "from-conda.txt").unlink()
    assert conda.returncode == 0, conda.stderr
    return types.SimpleNamespace(folder=folder, clone=clone, python=python, env=env, run=run)


@pytest.fixture(scope="module")
def wheel(fresh):
    """The wheel that pip builds from the clone."""
    built = fresh.run("-m", "pip", "wheel", "--no-deps", "--quiet", "-w", fresh.folder / "dist", ".")
    assert built.returncode == 0, built.stderr
    (path,) = (fresh.folder / "dist").glob(f"dlimlib-{dlimlib.__version__}-*.whl")
    return path


def test_conda_file_brings_the_tested_versions(fresh):
    assert environment.look(fresh.python, ["lab"], fresh.clone) == ([], {})
    tested = (ROOT / "constraints.txt").read_text().lower()
    lines = fresh.run("-m", "pip", "freeze", "--exclude-editable").stdout.lower().splitlines()
    assert [line for line in lines if line.split("+")[0] not in tested] == []
    assert fresh.run("-m", "pip", "check").returncode == 0


def test_wheel_holds_the_whole_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    results = git("ls-files", "data/results/*.json").split()
    assert {f"dlimlib/_results/{Path(name).name}" for name in results} <= names
    assert set(git("ls-files", "dlimlib").split()) <= names


def test_wheel_works_without_the_repository(fresh, wheel):
    site = fresh.folder / "site"
    installed = fresh.run("-m", "pip", "install", "--no-deps", "--quiet", "--target", site, wheel)
    assert installed.returncode == 0, installed.stderr
    code = (
        "import sys, dlimlib as dl; print(dl.__file__); assert 'torch' not in sys.modules\n"
        "assert dl.budget(smoke=1, cpu=2, gpu=3) == 1\n"
        "print(len(dl.data.load('toy-digits', n=8)))"
    )
    said = fresh.run("-c", code, cwd=fresh.folder, PYTHONPATH=str(site))
    assert said.stdout.split() == [str(site / "dlimlib" / "__init__.py"), "8"], said.stderr
    for command, word in (("lab", "git clone"), ("doctor", "without the course's repository")):
        answer = fresh.run("-m", "dlimlib", command, cwd=fresh.folder, PYTHONPATH=str(site))
        assert word in answer.stdout + answer.stderr and "Traceback" not in answer.stderr


def test_doctor_is_content(fresh):
    answer = fresh.run("-m", "dlimlib", "doctor")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_lost_files_are_found_and_brought_back(fresh):
    server = Path(fresh.run("-c", "import jupyter_server; print(jupyter_server.__file__)").stdout.strip())
    (server.parents[1] / "torchmetrics" / "metric.py").unlink()
    shutil.rmtree(server.parent)
    answer = fresh.run("-m", "dlimlib", "doctor")
    assert answer.returncode == 1 and "files are gone of jupyter-server, torchmetrics" in answer.stdout
    prepare = "from dlimlib.install import environment; print(environment.prepare(['lab']))"
    answer = fresh.run("-c", prepare)
    assert answer.stdout.splitlines()[-1] == str(fresh.python), answer.stdout + answer.stderr
    assert environment.look(fresh.python, ["lab"], fresh.clone) == ([], {})
    assert server.exists() and not (fresh.clone / ".venv").exists()


@pytest.mark.parametrize("start", ["first", "second"])
def test_lab_answers_from_the_active_environment(fresh, start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = fresh.folder / f"{start}.log"
    command = [str(fresh.python), "-m", "dlimlib", "lab", "--no-browser", "--port", str(port)]
    command.append("--IdentityProvider.token=dlim")
    with log.open("w") as out:
        lab = subprocess.Popen(command, cwd=fresh.clone, env=fresh.env, stdout=out, stderr=out)
    try:
        assert answers(f"http://127.0.0.1:{port}/api/status?token=dlim", lab), log.read_text()
    finally:
        lab.terminate()
        lab.wait(30)
    assert not (fresh.clone / ".venv").exists() and "Installed" not in log.read_text()


def answers(address, process):
    """Whether an address answers before the process ends or two minutes are over."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            return urllib.request.urlopen(address, timeout=10).status == 200
        except OSError:
            time.sleep(0.3)
    return False

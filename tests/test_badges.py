"""The repository's address, stamped into badges and bootstrap cells."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dlimlib.course import badges
from dlimlib.course import notebook as nbs

PROJECT = """[build-system]
requires = []

[project]
name = "x"
dependencies = [
    "a",
]

[tool.ruff]
x = 1
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout whose address is not known, with one notebook."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    title = nbformat.v4.new_markdown_cell("# T\n<!--badges--><!--/badges-->\nText", id="title")
    code = nbformat.v4.new_code_cell(badges.bootstrap_source(), id="bootstrap", execution_count=1)
    nbs.write(nbformat.v4.new_notebook(cells=[title, code]), tmp_path / "notebooks" / "01_x.ipynb")
    monkeypatch.setattr(badges.settings, "checkout", lambda: tmp_path)
    return tmp_path


def test_badges_are_stamped_and_stamped_again(course):
    stamps = []
    for repo in ("one/two", "Some-body/a.b"):
        assert badges.main(["--repo", repo]) == 0
        nb = nbs.read(course / "notebooks/01_x.ipynb")
        assert nb.cells[0].source.count("colab-badge.svg") == 1 and nb.cells[0].source.endswith("-->\nText")
        assert f"colab.research.google.com/github/{repo}/blob/main/notebooks/01_x.ipynb" in nb.cells[0].source
        assert nb.cells[1].source == badges.bootstrap_source(repo) and nb.cells[1].execution_count == 1
        project = tomllib.loads((course / "pyproject.toml").read_text())
        assert project["project"]["urls"] == {"Repository": f"https://github.com/{repo}"}
        assert project["project"]["dependencies"] == ["a"] and project["tool"]["ruff"]["x"] == 1
        stamps.append(nbs.stamp(nb))
    assert stamps[0] == stamps[1], "stored outputs stay fresh when the address changes"


def test_an_unknown_address_leaves_the_badge_out(course, capsys):
    assert badges.main([]) == 0
    assert "not known yet" in capsys.readouterr().out
    assert "<!--badges--><!--/badges-->" in nbs.read(course / "notebooks/01_x.ipynb").cells[0].source


def test_a_wrong_name_is_refused(course):
    with pytest.raises(SystemExit):
        badges.main(["--repo", "https://github.com/one/two"])


@pytest.fixture
def execute(monkeypatch):
    """A function that runs code as a notebook's cell; whether it went well."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # put back what a shell replaces
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    return lambda source: shell.run_cell(source).success


@pytest.fixture
def cell(execute, monkeypatch, tmp_path):
    """A function that runs the first cell as a notebook does, with pip's exit code; whether it went well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLIM_REPO", raising=False)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "dlimlib" else find(name))

    def run(code=1, repo=None):
        calls = []
        monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command[4:]) or code)
        monkeypatch.setattr(subprocess, "check_call", lambda command: calls.append(command[1:]))
        return execute(badges.bootstrap_source(repo)), calls

    return run


def test_the_first_cell_is_short():
    lines = badges.bootstrap_source("one/two").splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) <= 110


def test_without_an_address_the_first_cell_stops_in_a_sentence(cell, capsys):
    went, calls = cell()
    said = capsys.readouterr()
    assert not went and not calls and "ready" not in said.out
    assert "dlim.zip" in said.err and "%env DLIM_REPO=" in said.err
    assert said.err.count("\n") == 1 and "Traceback" not in said.err + said.out


@pytest.mark.parametrize("repo, variable", [("one/two", None), (None, "https://github.com/one/two")])
def test_the_first_cell_installs_from_the_address(cell, monkeypatch, capsys, repo, variable):
    if variable:
        monkeypatch.setenv("DLIM_REPO", variable)
    _, calls = cell(0, repo)
    assert calls == [["--quiet", "--no-deps", "git+https://github.com/one/two"], ["-m", "dlimlib.bootstrap"]]


def test_an_uploaded_zip_goes_first_and_what_pip_can_not_do_ends_in_the_sentence(cell, capsys):
    Path("dlim-main (1).zip").touch()
    went, calls = cell(1, "one/two")
    assert not went and calls == [["--quiet", "--no-deps", "dlim-main (1).zip"]]
    assert capsys.readouterr().err.count("\n") == 1


def test_where_dlimlib_is_the_first_cell_only_says_so(execute, capsys, monkeypatch):
    monkeypatch.setattr(subprocess, "call", lambda command: pytest.fail("it installs"))
    assert execute(badges.bootstrap_source("one/two"))
    assert capsys.readouterr() == ("dlimlib is ready.\n", "")

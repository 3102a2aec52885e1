"""The repository's address, stamped into badges and bootstrap cells."""

import tomllib

import nbformat
import pytest

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


def test_the_bootstrap_cell_is_short_and_says_what_to_do(monkeypatch, capsys):
    source = badges.bootstrap_source()
    assert len(source.splitlines()) <= 15 and max(map(len, source.splitlines())) <= 110
    monkeypatch.setenv("DLIM_REPO", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(source, {})
    assert "pip install" in capsys.readouterr().out

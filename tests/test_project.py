"""The files for those who carry on: they name the commands and Pythons that there are."""

import re
from pathlib import Path

import pytest
import yaml

import dlimlib
from dlimlib import __main__ as cli
from dlimlib.install import environment

ROOT = Path(__file__).parents[1]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_hooks_are_local_and_run_what_the_test_command_runs():
    (repo,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert repo["repo"] == "local" and all(hook["language"] == "system" for hook in repo["hooks"])
    entries = [hook["entry"] for hook in repo["hooks"]]
    assert [entry.split()[1:4] for entry in entries[:2]] == [["-m", "ruff", how[0]] for how in cli.STYLE]
    assert (ROOT / entries[2].split()[-1]).is_file()


def test_the_workflow_runs_the_command_of_readme_on_every_python_that_we_promise():
    (job,) = yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"].values()
    oldest = ".".join(map(str, environment.OLDEST_PYTHON))
    assert job["strategy"]["matrix"]["python"] == [oldest, "3.12", "3.13"]
    assert job["steps"][-1]["run"] == "python -m dlimlib test" and "`python -m dlimlib test`" in text(
        "README.md"
    )


def test_the_conda_file_tells_of_the_cuda_build_and_of_the_other():
    said = text("environment.yml")
    assert "5 GB" in said and "--extra-index-url ADDRESS" in said and "Compute Platform: CPU" in said
    pip = yaml.safe_load(said)["dependencies"][-1]["pip"]
    line = re.search(r"(?m)^# ( +- --extra-index-url ADDRESS\n)", said)[1]
    changed = yaml.safe_load(said + line)
    assert changed["dependencies"][-1]["pip"] == [*pip, "--extra-index-url ADDRESS"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_documents_name_only_commands_and_files_that_there_are(name):
    said = text(name)
    for command in re.findall(r"python3? -m dlimlib(?: (\w+))?", said):
        assert command in ("", *cli.COMMANDS)
    for link in re.findall(r"\]\(([\w./-]+)\)", said):
        assert (ROOT / link).exists(), f"{name} links to {link}"


def test_the_version_stands_in_the_changelog():
    version = re.escape(dlimlib.__version__)
    assert re.search(rf"(?m)^## \[{version}\]|^## \[Unreleased\] \({version}\)", text("CHANGELOG.md"))

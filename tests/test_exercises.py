"""The graded cells of each notebook: known mistakes are caught with a sentence, right solutions pass.

tests/exercises/NN/ holds right_*.py and wrong_*.py. In each, `# %% grade_id` begins the source that replaces
the cell of that grade_id; a wrong one begins with `# says: regex`, which a sentence of the judge must match.
asserts_alone.txt names the wrong ones that no probe finds. Asserts run in the student's process, where one
line takes them all away, so each name there asks for a probe.
"""

import ast
import copy
import functools
import re
from pathlib import Path

import pytest

from dlimlib.course import notebook as nbs
from dlimlib.course.grading import judge, warm

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path for path in (ROOT / "tests" / "exercises").glob("[0-9][0-9]") if path.is_dir())


@functools.cache
def notebook(folder):
    (path,) = (ROOT / "notebooks").glob(f"{folder.name}_*.ipynb")
    return nbs.read(path)


@functools.cache
def reference(folder):
    return judge.record(notebook(folder), launch=warm.launch)


def submission(path):
    """Return the notebook with the cells that the file replaces."""
    nb = copy.deepcopy(notebook(path.parent))
    parts = re.split(r"(?m)^# %% (\S+)\n", path.read_text(encoding="utf-8"))
    new = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert new, f"{path.name} replaces no cell"
    for cell in nb.cells:
        cell.source = new.pop(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    assert not new, f"{path.name}: there is no cell {', '.join(new)}"
    return nb


class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()


@functools.cache
def without_asserts(folder):
    """Return the reference, its test cells without their asserts."""
    known = reference(folder)
    bare = {name: ast.unparse(NoAsserts().visit(nbs.parse(text))) for name, text in known["tests"].items()}
    return known | {"tests": bare}


def asserts_alone(folder):
    path = folder / "asserts_alone.txt"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


class OneNotebook:
    def test_the_notebook_itself_is_without_problems(self):
        assert reference(self.folder)["problems"] == []
        tests = [cell for cell in notebook(self.folder).cells if nbs.is_test(cell)]
        assert 4 <= len(tests) <= 6 and len(reference(self.folder)["tests"]) == len(tests)

    def test_there_are_enough_of_both(self):
        assert len(list(self.folder.glob("wrong_*.py"))) >= 8
        assert len(list(self.folder.glob("right_*.py"))) >= 2

    def test_the_list_names_files(self):
        assert all((self.folder / f"{name}.py").exists() for name in asserts_alone(self.folder))

    def test_solution(self, path):
        nb = submission(path)
        said = judge.sentences(judge.judge(reference(self.folder), nb, launch=warm.launch))
        if path.stem.startswith("right_"):
            assert said == []
            return
        says = re.match(r"# says: (.+)", path.read_text(encoding="utf-8"))[1]
        assert any(re.search(says, sentence) for sentence in said), said
        bare = judge.judge(without_asserts(self.folder), nb, launch=warm.launch)
        alone = judge.sentences(bare) == []
        assert alone == (path.stem in asserts_alone(self.folder)), f"do asserts alone catch it? {alone}"


for folder in FOLDERS:  # a class each, so that two processes share the work by notebook
    name = f"Test{folder.name}"
    globals()[name] = type(name, (OneNotebook,), {"folder": folder})


def pytest_generate_tests(metafunc):
    if "path" in metafunc.fixturenames:
        files = sorted(metafunc.cls.folder.glob("*.py"))
        metafunc.parametrize("path", files, ids=[path.stem for path in files])

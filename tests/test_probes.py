"""The judge of graded cells, on a small exercise sheet and good, wrong and hostile submissions."""

import copy
import json
import re

import nbformat
import numpy as np
import pytest
import torch

from dlimlib.course.grading import child, process
from dlimlib.course.grading import judge as grading

pytestmark = pytest.mark.slow
SETUP = "import numpy as np\nfrom dlimlib import probe\nSEED = 0\n%config Completer.use_jedi = False"
KL = "def kl(mu, logvar):\n    return (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).sum(1).mean()"
SAMPLE = "def sample(mu, logvar, eps):\n    return mu + np.exp(0.5 * logvar) * eps"
TEST_KL = """
assert np.all(kl(np.zeros((2, 3)), np.zeros((2, 3))) == 0), "the KL of a standard normal code is 0"
### BEGIN HIDDEN TESTS
mu, logvar, eps = np.random.default_rng(SEED).normal(size=(3, 5, 4))
probe("sums over the code, averages over the batch", kl(mu, logvar))
probe("it is a number", np.ndim(kl(mu, logvar)))
### END HIDDEN TESTS"""
TEST_SAMPLE = """
### BEGIN HIDDEN TESTS
mu, logvar, eps = np.random.default_rng(SEED).normal(size=(3, 5, 4))
probe("z = mu + sigma eps", [sample(mu, logvar, eps)])
### END HIDDEN TESTS"""
KL_PROBES = ["sums over the code, averages over the batch", "it is a number"]


def cell(source, name, *, test=False, solution=False, heavy=False):
    new = nbformat.v4.new_code_cell(source.strip(), id=name)
    if test or solution:
        info = dict(schema_version=3, grade_id=name, grade=test, solution=solution, locked=test, task=False)
        new.metadata["nbgrader"] = info | (dict(points=2) if test else {})
    if heavy:
        new.metadata["tags"] = ["heavy"]
    return new


def sheet(kl=KL, sample=SAMPLE, test_kl=TEST_KL):
    cells = [
        cell(SETUP, "setup"),
        cell("while True: pass", "train", heavy=True),
        cell(kl, "kl", solution=True),
        cell(test_kl, "test_kl", test=True),
        cell(sample, "sample", solution=True),
        cell(TEST_SAMPLE, "test_sample", test=True),
    ]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def reference():
    found = grading.record(sheet())
    assert found["problems"] == []
    assert found["heavy"] == ["train"]
    return json.loads(json.dumps(found))  # it is plain JSON


def judge(reference, seconds=20, **solutions):
    return grading.judge(reference, sheet(**solutions), seconds)


@pytest.mark.parametrize(
    "solutions",
    [
        {},
        {
            "kl": "def kl(m, v):\n    e = [(a*a + np.exp(b) - 1 - b) / 2 for a, b in zip(m.flat, v.flat)]\n"
            "    return np.array(e).sum() / len(m)",
            "sample": "def sample(m, v, e): return e * np.sqrt(np.exp(v)) + m",
        },
    ],
)
def test_right_solutions_get_full_marks(reference, solutions):
    found = judge(reference, **solutions)
    assert found == {"test_kl": [(n, None) for n in KL_PROBES], "test_sample": [("z = mu + sigma eps", None)]}
    assert grading.sentences(found) == []


FORGE = """
import sys
def send():  # the child's own
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["send"]
"""


@pytest.mark.parametrize(
    "kl, says",
    [
        (KL.replace("0.5 * ", ""), "expected -?[0-9.e-]+, got "),
        (KL.replace(".mean()", ""), r"expected shape \[\], got \[5\]"),
        (KL.replace(" - 1", ""), "not reached: AssertionError: the KL of a standard normal code is 0"),
        (KL.replace("mu**2", "mu**2 / 0"), "not reached: AssertionError"),
        (KL + ".item()", "expected an array, got a float"),
        ("def kl(mu, logvar):\n    return None", "not reached"),
        ("def kl(mu logvar): pass", "not reached: NameError: name 'kl' is not defined"),
        ("class Any(float):\n    def __eq__(self, other): return True\ndef kl(*a): return Any()", "got a "),
        (KL + "\nimport os\nos._exit(0)", "not reached: NameError"),
        ("def kl(*a):\n    import os\n    os._exit(0)", "ended the Python process"),
        ("def kl(*a):\n    while True: pass", r"stopped after 2 s \(an infinite loop"),
        ("def kl(*a):\n    while True: print('x' * 10**6)", r"stopped after 2 s"),
        (FORGE + "def kl(*a):\n    s = send()\n    while True: s(probe='x' * 10**5)", "too much data"),
        (FORGE + "def kl(*a):\n    send()(done=True)\n    return 0", "not reached: nothing was reported"),
        (FORGE + f"def kl(*a):\n    send()(probe={KL_PROBES[0]!r}, value=1)\n    return 0", "expected"),
        ("probe('early', 1)\n" + KL.replace("0.5", "0.6"), "expected"),
        (FORGE + "send().__globals__['base64'].b64encode = lambda b: b'AAAA'\n" + KL, "unreadable"),
    ],
)
def test_wrong_and_hostile_solutions(reference, kl, says):
    """The exercise fails with a sentence, and the other one keeps its full mark."""
    found = judge(reference, seconds=2, kl=kl)
    said = grading.sentences({"test_kl": found["test_kl"]})
    assert any(re.search(says, sentence) for sentence in said), said
    assert found["test_kl"][0][0] == KL_PROBES[0] and found["test_kl"][0][1]
    if "b64encode" not in kl:
        assert found["test_sample"] == [("z = mu + sigma eps", None)]


def test_a_changed_or_missing_test_cell_changes_nothing(reference):
    wrong = KL.replace("0.5", "0.7")
    nb = sheet(kl=wrong, test_kl="probe('x', 1)")
    assert grading.judge(reference, nb)["test_kl"][0][1].startswith("expected")
    del nb.cells[3]
    assert grading.judge(reference, nb)["test_kl"] == [(n, "the cell did not run") for n in KL_PROBES]


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"test_kl": "assert True, 'fine'"}, "test_kl: there is no probe"),
        ({"test_kl": "probe('shape', list(np.ones(3).shape))"}, "test_kl: every value could be guessed"),
        ({"test_kl": "probe('pi', kl(np.ones((2, 2)) / 3, np.ones((2, 2))))"}, "depend on SEED"),
        ({"test_kl": TEST_KL.replace("default_rng(SEED)", "default_rng()")}, "not the same twice"),
        ({"kl": KL + "\nundefined"}, "kl: NameError: name 'undefined' is not defined"),
    ],
)
def test_recording_reports_problems(changes, says):
    problems = grading.record(sheet(**changes))["problems"]
    assert len(problems) >= 1 and any(says in problem for problem in problems), problems


def test_one_seed_that_gives_a_round_value_is_no_problem(monkeypatch):
    """With SEED = 217 the divergence is 2.9002, as if it could be guessed; with 5 it is not round."""
    seeds = iter((217, 5))
    monkeypatch.setattr(grading.secrets, "randbelow", lambda n: next(seeds))
    found = grading.record(sheet())
    value = found["tests"]["test_kl"]["records"][0]["value"]
    assert grading.guessable(value, 1e-4, 1e-6) and found["problems"] == []


def test_printed_text_is_capped_and_kept_apart():
    cells = [("a", "print('hello')"), ("b", "print('x' * 10**6)"), ("c", "input()")]
    results = process.run_cells(cells, 0, 20)
    assert len(results["b"]["text"]) <= process.MAX_TEXT
    assert results["c"]["error"], "nothing can be read"


# ---------------------------------------------------------------------------------------- values

VALUES = [
    1, 2.5, True, None, "a", [1, [2.0]], {"b": torch.ones(2), "a": 1}, torch.arange(6).reshape(2, 3),
    torch.randn(3, requires_grad=True), torch.ones(2, dtype=torch.bfloat16), torch.tensor(0.5), np.eye(2),
    np.float32(1.5), torch.randn(4, 2).T, torch.tensor([1 + 2j]), torch.tensor([True]),
]  # fmt: skip


def pack(value):
    return json.loads(json.dumps(child.pack(value)))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_compare_equal_to_themselves_alone(value):
    for other in VALUES:
        problem = grading.compare(pack(value), pack(other), 1e-4, 1e-6)
        assert (problem is None) == (other is value), (value, other, problem)


@pytest.mark.parametrize(
    "expected, got, says",
    [
        (torch.zeros(2, 3), torch.zeros(3, 2), r"expected shape \[2, 3\], got \[3, 2\]"),
        (torch.zeros(2), torch.zeros(2).double(), "expected dtype float32, got float64"),
        (torch.zeros(0, 3), torch.zeros(0, 2), "shape"),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]), r"expected 2, got 2.5 at \[1\]"),
        (torch.ones(2), torch.tensor([1.0, float("nan")]), "NaN"),
        ([1.0, 2.0], [1.0], "expected 2 items"),
        ({"a": 1.0}, {"a": 2.0}, "item a: expected 1, got 2"),
        (torch.ones(2), torch.ones(300_000), "shape"),
        (True, 1, "expected a bool, got an int"),
        (1.0, object(), "expected a float, got an object"),
    ],
)
def test_a_difference_is_a_sentence(expected, got, says):
    assert re.search(says, grading.compare(pack(expected), pack(got), 1e-4, 1e-6))


def test_tolerances():
    assert grading.compare(pack(1.0), pack(1.0001), 1e-3, 0) is None
    assert grading.compare(pack(1.0), pack(1.0001), 1e-5, 0)


@pytest.mark.parametrize("value", [True, 3, "x", 0.5, torch.zeros(99), torch.ones(3), [1, 2.0], np.ones(0)])
def test_guessable(value):
    assert grading.guessable(pack(value), 1e-4, 1e-6)


@pytest.mark.parametrize("value", [0.1234, torch.randn(3), [1, 0.777]])
def test_not_guessable(value):
    assert not grading.guessable(pack(value), 1e-4, 1e-6)


def test_the_reference_is_not_changed_by_judging(reference):
    before = copy.deepcopy(reference)
    judge(reference)
    assert reference == before

"""Figures and probes."""

import json

import numpy as np
import pytest
import torch

import dlimlib as dl
from dlimlib import report

STORED = {
    "made_on": {"device": "T4", "torch": "2.13", "profile": "gpu", "seconds": 240, "data": "toy-faces v1"},
    "figures": {"mse": 0.0214, "fd": {"seeds": [2.0, 4.0]}, "share": {"A": 0.25, "B": 0.5}},
}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout with stored figures."""
    (tmp_path / "data/results").mkdir(parents=True)
    (tmp_path / "data/results/toy.json").write_text(json.dumps(STORED))
    monkeypatch.setattr(report.settings, "checkout", lambda: tmp_path)
    return tmp_path


def test_results_shows_own_beside_stored(course):
    table = dl.results("toy", mse=torch.tensor(0.5), fd={"seeds": [1, 3.0]}, share={"A": 0.125, "new": 1.0})
    assert table.tables() == [
        ([], [["", "yours", "stored"], ["mse", "0.5", "0.0214"],
              ["fd", "2 ± 1.4 (2 seeds)", "3 ± 1.4 (2 seeds)"]]),
        ([], [["share", "yours", "stored"], ["A", "0.125", "0.25"], ["new", "1", "–"]]),
    ]  # fmt: skip
    assert "<td>0.0214</td>" in table._repr_html_()
    assert "4 min" in repr(table) and "toy-faces v1" in repr(table)
    assert "no figures are stored for other" in repr(dl.results("other", a=1))
    assert [p.name for p in course.rglob("*") if p.is_file()] == ["toy.json"], "nothing is written"


def test_seeds_may_stand_under_labels(course, record, tmp_path):
    modes = {"minimax": {"seeds": [8, 6]}, "mean": 7.5}
    assert dl.results("toy", modes=modes).tables()[0][1][1:] == [
        ["minimax", "7 ± 1.4 (2 seeds)", "–"], ["mean", "7.5", "–"],
    ]  # fmt: skip
    record(folder=tmp_path / "rec")
    dl.results("toy", modes=modes)
    assert json.loads((tmp_path / "rec/results/toy.json").read_text())["figures"] == {"modes": modes}
    for bad in ({"a": {"b": 1}}, {"a": {"seeds": [{"b": 1}]}}, {"seeds": [{"seeds": [1]}]}):
        with pytest.raises(TypeError, match="must be a number"):
            dl.results("toy", bad=bad)


def test_results_merge_while_recording(course, record, tmp_path):
    record(folder=tmp_path / "rec")
    dl.results("toy", a=1, b=2.0)
    table = dl.results("toy", b=np.float32(3.0), c={"seeds": torch.ones(2)})
    assert table.tables() == [([], [["", "recorded"], ["b", "3"], ["c", "1 ± 0 (2 seeds)"]])]
    assert "<th>recorded</th>" in table._repr_html_() and "recorded: profile smoke" in repr(table)
    kept = json.loads((tmp_path / "rec/results/toy.json").read_text())
    assert kept["figures"] == {"a": 1, "b": 3.0, "c": {"seeds": [1.0, 1.0]}}
    made = kept["made_on"]
    assert (made["torch"], made["profile"], made["trainings"]) == (torch.__version__, "smoke", {})
    assert made["reader"] == getattr(dl.metrics, "READER", 1) and "dlimlib" in made


def test_a_refresh_shows_the_stored_figures_alone(course, record):
    record("refresh")
    table = dl.results("toy", mse=0.5, share={"A": 1.0}, new=3)
    assert table.tables() == [
        ([], [["", "recorded"], ["mse", "0.0214"], ["new", "–"]]),
        ([], [["share", "recorded"], ["A", "0.25"], ["B", "0.5"]]),
    ]
    assert "T4" in table.origin()


def test_the_line_of_origin_names_the_reader(course):
    assert "reader of faces v1" in repr(dl.results("toy", mse=1.0)), "older files don't say which"


def test_figures_with_the_same_labels_share_a_table(course):
    pairs = {
        "pairs_psnr": {"A_to_B": 20.0, "B_to_A": 21.0},
        "pairs_yaw_error": {"A_to_B": 3.0, "B_to_A": 4.0},
    }
    table = dl.results("toy", **pairs)
    assert table.tables() == [
        (["psnr", "yaw error"], [["pairs", "yours", "stored", "yours", "stored"],
                                 ["A to B", "20", "–", "3", "–"], ["B to A", "21", "–", "4", "–"]]),
    ]  # fmt: skip
    assert repr(table).split("\n")[:3] == [
        "                 psnr      yaw error",
        "pairs   yours  stored  yours  stored",
        "A to B     20       –      3       –",
    ]
    shown = table._repr_html_()
    assert "pairs_" not in shown and shown.count("<table>") == 1 and "yaw error</th>" in shown
    recorded = report.Results("toy", pairs, STORED, recording=True)
    assert repr(recorded).split("\n")[:2] == ["pairs   psnr  yaw error", "A to B    20          3"]
    assert "recorded</th>" not in recorded._repr_html_()


def test_no_table_is_wider_than_a_page(course):
    figures = {f"measure_number_{i}": {"A": i + 0.123, "B": i + 0.5} for i in range(12)}
    table = dl.results("toy", **figures)
    assert len(table.tables()) > 1 and max(map(len, repr(table).split("\n"))) <= 100
    assert sum(len(names) for names, _ in table.tables()) == 12
    long = {
        f"{key}_of_all_the_pictures_that_were_seen": {"A": 1.0, "B": 2.0} for key in ("mean", "most", "sum")
    }
    table = dl.results("toy", **long)
    assert len(table.tables()) == 2 and max(map(len, repr(table).split("\n"))) <= 100


def test_yours_beside_the_recorded_curve(course, record):
    share = {"A": 0.25, "B": 0.5}
    place = {"A": 1, "B": 2}.get
    lines = dl.with_recorded("toy", "share", {"A": 0.3}, numbers=place)
    assert lines == {"recorded": {1: 0.25, 2: 0.5}, "yours": {1: 0.3}}
    assert dl.with_recorded("toy", "share", share, numbers=place) == {"recorded": {1: 0.25, 2: 0.5}}
    assert dl.with_recorded("toy", "share", share, numbers=place, use=False) == {"yours": {1: 0.25, 2: 0.5}}
    assert dl.with_recorded("toy", "new", {"8": 1.0}) == {"yours": {8.0: 1.0}}
    record("refresh")
    assert dl.with_recorded("toy", "share", {"A": 0.3}, numbers=place) == {"recorded": {1: 0.25, 2: 0.5}}
    record("record")
    assert dl.with_recorded("toy", "share", {"A": 0.3}, numbers=place) == {"recorded": {1: 0.3}}


def test_packaged_figures_are_found_without_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(report.settings, "checkout", lambda: None)
    monkeypatch.setattr(report.settings, "__file__", str(tmp_path / "settings.py"))
    (tmp_path / "_results").mkdir()
    (tmp_path / "_results/toy.json").write_text(json.dumps(STORED))
    assert report.stored("toy") == STORED and report.stored("none") is None


@pytest.mark.parametrize("bad", [torch.ones(2), "0.5", {"a": {"b": 1}}, None])
def test_results_refuse_what_is_no_figure(bad):
    with pytest.raises((TypeError, ValueError), match="figure mse"):
        dl.results("toy", mse=bad)


def test_what_is_not_finite_is_shown_but_not_stored(record):
    assert "nan" in repr(dl.results("toy", mse=float("nan")))
    record()
    with pytest.raises(ValueError, match="figure mse is nan"):
        dl.results("toy", mse=float("nan"))


def test_probe_accepts_what_is_finite():
    value = [1, 2.5, True, None, "x", {"t": torch.ones(2), "n": np.zeros(3)}, (torch.tensor(1),)]
    assert dl.probe("a", value) is None
    dl.probe("with a gradient", torch.ones(2, requires_grad=True), rtol=1e-2)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("bad", [INF, torch.tensor([1, NAN]), [{"k": np.array([INF])}], object()])
def test_probe_names_itself(bad):
    with pytest.raises((TypeError, ValueError), match="the loss is a number"):
        dl.probe("the loss is a number", bad)

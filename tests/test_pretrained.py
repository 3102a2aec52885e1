"""Weights: saved while recording, found, checked, loaded."""

import re

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from dlimlib import pretrained, recording
from dlimlib.data import Images


def net(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout that holds no weights yet."""
    (tmp_path / "data/pretrained").mkdir(parents=True)
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def stored(course, record, monkeypatch):
    """The network whose weights the course stores."""
    torch.manual_seed(0)
    model = net()
    model(torch.randn(8, 3))
    record(folder=course / "data")
    pretrained.load("toy", use=False, G=model)
    monkeypatch.delenv(recording.VARIABLE)
    return model


def test_recording_another_notebook_loads_what_an_earlier_one_stored(course, stored, record):
    record(name="toys", folder=course / "data")
    before = (course / "data/pretrained/toy.safetensors").read_bytes()
    other = net()
    pretrained.load("toy", G=other)
    assert torch.equal(other[0].weight, stored[0].weight)
    assert (course / "data/pretrained/toy.safetensors").read_bytes() == before
    pretrained.load("toys-small", G=other)
    assert (course / "data/pretrained/toys-small.safetensors").is_file()
    with pytest.raises(ValueError, match="do not fit"):  # a mistake of ours, not a reader's other settings
        pretrained.load("toy", G=net(5))


def test_recording_saves_and_rounds(course, stored, capsys):
    for value in stored.state_dict().values():
        assert torch.equal(value, value.half().to(value.dtype)), "figures come from the stored numbers"
    other = net()
    pretrained.load("toy", G=other)
    for key, value in stored.state_dict().items():
        assert torch.equal(other.state_dict()[key], value) and other.state_dict()[key].dtype == value.dtype
    assert other[1].num_batches_tracked == 1
    assert "profile smoke" in capsys.readouterr().out


def test_use_false_leaves_the_modules_alone(course, stored, capsys):
    other = net()
    before = other[0].weight.clone()
    pretrained.load("toy", use=False, G=other)
    assert torch.equal(other[0].weight, before) and "your own weights" in capsys.readouterr().out


def test_without_weights_it_goes_on(course, capsys):
    pretrained.load("toy", G=net())
    assert "no weights are stored yet" in capsys.readouterr().out


def test_all_that_is_stored_must_be_asked_for(course, stored, record, monkeypatch, capsys):
    record(folder=course / "data")
    pretrained.load("toy", use=False, G=net(), D=net())
    monkeypatch.delenv(recording.VARIABLE)
    pretrained.load("toy", G=net())
    assert "do not fit" in (said := capsys.readouterr().out) and "no layer D.0" in said
    assert pretrained.misfit("toy", {"G": net()}) is None, "a Run may train one part alone"


@pytest.mark.parametrize(
    "other, says",
    [
        (net(5), r"G\.0\.weight has shape \(5, 3\) here and \(4, 3\) as"),
        (nn.Sequential(*net(), nn.Linear(1, 1)), "layer G.3.weight is not among the stored"),
        (nn.Sequential(nn.Linear(3, 4)), "no layer G.1"),
    ],
)
def test_another_network_keeps_its_own_weights(course, stored, capsys, other, says):
    before = {key: value.clone() for key, value in other.state_dict().items()}
    pretrained.load("toy", G=other)
    assert re.search("your own weights go on .*" + says, capsys.readouterr().out)
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())


def test_what_does_not_fit_into_float16_is_an_error(course, record):
    record()
    model = net()
    model[2].bias.data.fill_(1e6)
    with pytest.raises(ValueError, match=r"G\.2\.bias"):
        pretrained.load("toy", G=model)


def test_weights_of_the_package_are_found_without_a_checkout(course, stored, monkeypatch):
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: None)
    monkeypatch.setattr(pretrained.settings, "__file__", str(course / "settings.py"))
    assert pretrained.find("toy") is None
    (course / "data/pretrained").rename(course / "_pretrained")
    other = net()
    pretrained.load("toy", G=other)
    assert torch.equal(other[0].weight, stored[0].weight)


def images(name="toy-faces", size=4):
    return Images(name, "1", torch.zeros(2, 3, size, size, dtype=torch.uint8))


@pytest.mark.parametrize("data, fits", [(images(), True), (images("mnist"), False), (images(size=8), False)])
def test_weights_know_the_data_they_were_trained_on(course, record, monkeypatch, capsys, data, fits):
    record(folder=course / "data")
    pretrained.load("toy", data=images(), G=net())
    monkeypatch.delenv(recording.VARIABLE)
    other = net()
    before = other[0].weight.clone()
    pretrained.load("toy", data=data, G=other)
    assert torch.equal(other[0].weight, before) != fits
    said = capsys.readouterr().out
    assert (
        fits
        or f"these are {data.name} v1, 3 × {data.x.shape[2]}" in said
        and "your own weights go on" in said
    )


def test_a_misfit_is_told_before_the_training(stored):
    assert pretrained.misfit("toy", {"G": net()}) is None and pretrained.misfit("none", {"G": net()}) is None
    opt = torch.optim.Adam(net().parameters())
    assert pretrained.misfit("toy", {"other": net(5), "opt": opt}) is None, "stored under another name"
    said = pretrained.misfit("toy", {"G": net(5), "opt": opt})
    assert "toy: the course's weights will not fit" in said and "layer G.0.weight has shape (5, 3)" in said
    assert pretrained.misfit("toy", {"G": AveragedModel(net())}) is None, "its network is stored"
    assert "shape (5, 3)" in pretrained.misfit("toy", {"G": AveragedModel(net(5))})


def test_networks_must_be_named():
    with pytest.raises(ValueError, match="name the networks"):
        pretrained.load("toy")

"""Weights: saved while recording, found, checked, loaded."""

import re

import pytest
import torch
from torch import nn

from dlimlib import pretrained
from dlimlib.data import Images


def net(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout that holds no weights yet."""
    (tmp_path / "data/pretrained").mkdir(parents=True)
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: tmp_path)
    monkeypatch.setattr(pretrained, "PACKAGED", tmp_path / "packaged")
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def recorded(course, monkeypatch):
    """A function that stores weights as the recording of a notebook "toy" does."""

    def record(**given):
        with monkeypatch.context() as recording:
            recording.setenv("DLIM_RECORD", "record")
            recording.setenv("DLIM_RECORD_NAME", "toy")
            recording.setenv("DLIM_RECORD_DIR", str(course / "data"))
            pretrained.load("toy", use=False, **given)

    return record


@pytest.fixture
def stored(recorded):
    """The network whose weights the course stores."""
    torch.manual_seed(0)
    model = net()
    model(torch.randn(8, 3))
    recorded(G=model)
    return model


def test_recording_another_notebook_loads_what_an_earlier_one_stored(course, stored, monkeypatch):
    monkeypatch.setenv("DLIM_RECORD", "record")
    monkeypatch.setenv("DLIM_RECORD_NAME", "toys")
    monkeypatch.setenv("DLIM_RECORD_DIR", str(course / "data"))
    before = (course / "data/pretrained/toy.safetensors").read_bytes()
    other = net()
    pretrained.load("toy", G=other)
    assert torch.equal(other[0].weight, stored[0].weight)
    assert (course / "data/pretrained/toy.safetensors").read_bytes() == before
    pretrained.load("toys-small", G=other)
    assert (course / "data/pretrained/toys-small.safetensors").is_file()


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


@pytest.mark.parametrize(
    "other, says",
    [
        (net(5), r"G\.0\.weight has shape \(5, 3\) here and \(4, 3\) as"),
        (nn.Sequential(*net(), nn.Linear(1, 1)), "layer G.3.weight is not among the stored"),
        (nn.Sequential(nn.Linear(3, 4)), "no layer G.1"),
    ],
)
def test_another_network_is_refused_whole(course, stored, other, says):
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with pytest.raises(ValueError, match=says + ".*PRETRAINED = False"):
        pretrained.load("toy", G=other)
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())


def test_what_does_not_fit_into_float16_is_an_error(course, monkeypatch):
    monkeypatch.setenv("DLIM_RECORD", "record")
    monkeypatch.setenv("DLIM_RECORD_NAME", "toy")
    monkeypatch.setenv("DLIM_RECORD_DIR", str(course / "data"))
    model = net()
    model[2].bias.data.fill_(1e6)
    with pytest.raises(ValueError, match=r"G\.2\.bias"):
        pretrained.load("toy", G=model)


def test_outside_a_checkout_the_packaged_weights_are_loaded(course, stored, monkeypatch):
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: None)
    assert pretrained.find("toy") is None
    (course / "packaged").mkdir()
    (course / "data/pretrained/toy.safetensors").rename(course / "packaged/toy.safetensors")
    other = net()
    pretrained.load("toy", G=other)
    assert torch.equal(other[0].weight, stored[0].weight)


def pictures(name="toys", size=8):
    return Images(name, "1", torch.zeros(2, 3, size, size, dtype=torch.uint8))


@pytest.mark.parametrize(
    "other, data, says",
    [
        (net(5), pictures(), r"layer G\.0\.weight has shape \(5, 3\) here"),
        (net(), pictures("mine"), r"they saw toys v1, 3 × 8 × 8, and here it is mine v1, 3 × 8 × 8\."),
        (net(), pictures(size=16), r"they saw toys v1, 3 × 8 × 8, and here it is toys v1, 3 × 16 × 16\."),
    ],
)
def test_other_data_or_settings_are_told_and_the_own_weights_go_on(
    course, recorded, capsys, other, data, says
):
    recorded(data=pictures(), G=net())
    before = {key: value.clone() for key, value in other.state_dict().items()}
    pretrained.load("toy", data=data, G=other)
    said = capsys.readouterr().out
    assert re.search(says, said) and "Your own weights go on." in said
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())


def test_the_same_data_and_settings_get_the_weights(course, recorded):
    model = net()
    recorded(data=pictures(), G=model)
    other = net()
    pretrained.load("toy", data=pictures(), G=other)
    assert torch.equal(other[0].weight, model[0].weight)


def test_a_misfit_is_known_before_the_training(course, recorded):
    recorded(data=pictures(), G=net())
    optimizer = torch.optim.Adam(net().parameters())
    assert pretrained.misfit("toy", {"G": net(), "opt": optimizer, "D": net(7)}, pictures()) is None
    assert "layer G.0.weight" in pretrained.misfit("toy", {"G": net(5), "opt": optimizer})
    assert "they saw toys" in pretrained.misfit("toy", {"G": net()}, pictures("mine"))
    assert pretrained.misfit("unknown", {"G": net(5)}) is None


def test_networks_must_be_named():
    with pytest.raises(ValueError, match="name the networks"):
        pretrained.load("toy")

"""Weights: saved while recording, found, checked, loaded."""

import hashlib
import json

import pytest
import torch
from torch import nn

from dlimlib import pretrained


def net(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout that holds no weights yet."""
    (tmp_path / "data/pretrained").mkdir(parents=True)
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: tmp_path)
    monkeypatch.setattr(pretrained, "INDEX", tmp_path / "pretrained.json")
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def stored(course, monkeypatch):
    """The network whose weights the course stores."""
    torch.manual_seed(0)
    model = net()
    model(torch.randn(8, 3))
    with monkeypatch.context() as recording:
        recording.setenv("DLIM_RECORD", "record")
        recording.setenv("DLIM_RECORD_NAME", "toy")
        recording.setenv("DLIM_RECORD_DIR", str(course / "data"))
        pretrained.load("toy", use=False, G=model)
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


def test_download_by_hash(course, stored, monkeypatch):
    """Outside a checkout the file comes from the course's address and must have the packaged hash."""
    source = course / "server" / "main" / "data" / "pretrained" / "toy.safetensors"
    source.parent.mkdir(parents=True)
    (course / "data/pretrained/toy.safetensors").rename(source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    (course / "pretrained.json").write_text(json.dumps({"toy": {"sha256": digest}}))
    monkeypatch.setattr(pretrained.settings, "checkout", lambda: None)
    with pytest.raises(FileNotFoundError, match="Clone the course's repository"):
        pretrained.load("toy", G=net())

    import functools
    import http.server
    import threading

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=course / "server")
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *a: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(pretrained, "repository", lambda: f"http://127.0.0.1:{server.server_port}")
        good = source.read_bytes()
        source.write_bytes(good[:-1])
        with pytest.raises(RuntimeError, match="could not be had.*PRETRAINED = False"):
            pretrained.load("toy", G=net())
        source.write_bytes(good)
        other = net()
        pretrained.load("toy", G=other)
        server.shutdown()
    assert torch.equal(other[0].weight, stored[0].weight)
    pretrained.load("toy", G=net())  # the second time from the cache: the server is gone


def test_networks_must_be_named():
    with pytest.raises(ValueError, match="name the networks"):
        pretrained.load("toy")

"""load(): names and sizes, the cache of the toys, and MNIST's format."""

import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

import dlimlib as dl
from dlimlib import data
from dlimlib.data import cache, digits, faces, idx, load, pets


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "data"


@pytest.fixture
def drawn(monkeypatch):
    """A list of (how many, from where) digits were drawn."""
    calls, render = [], digits.render

    def spy(n, **more):
        calls.append((n, more["start"]))
        return render(n, **more)

    monkeypatch.setattr(digits, "render", spy)
    return calls


@pytest.mark.parametrize("name", ["toy-digit", "", "lfw"])
def test_unknown_names_list_the_known_ones(name):
    with pytest.raises(ValueError, match="toy-faces, toy-digits, mnist, fashion-mnist, kmnist, pets, folder"):
        load(name)


def test_other_wrong_arguments():
    with pytest.raises(ValueError, match='"train" or "test", got \'val\''):
        load("toy-digits", split="val")
    for wrong in ({"n": 0}, {"size": 64.0}, {"size": "64"}):
        ((key, value),) = wrong.items()
        with pytest.raises(ValueError, match=f"{key} must be a whole number and at least 1, got {value!r}"):
            load("toy-digits", **wrong)
    for option in ({"path": "here"}, {"split_by": "folder"}, {"tiles": 64}):
        with pytest.raises(ValueError, match=f'{next(iter(option))} goes with "folder" only'):
            load("mnist", **option)
    with pytest.raises(ValueError, match="no data set 'faces'"):
        load("toy-digits", usual="faces")


def test_a_set_in_the_place_of_the_usual_one_says_so_in_one_line(capsys):
    load("toy-digits", n=3, usual="toy-digits")
    assert capsys.readouterr().out == ""
    load("toy-digits", n=3, usual="toy-faces")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and said.startswith(
        "toy-digits in place of toy-faces: the text speaks of port"
    )
    assert "weights" in said and "DLIM_EFFORT=4" in said
    assert "no label maps or sketches or factors, so the cells that need them are skipped" in said


def test_a_new_data_set_is_one_line(monkeypatch):
    def squares(split, size, n, *, path=None):
        return data.Images(f"{split} {path}", "1", torch.zeros(n or 2, 1, size or 4, size or 4).byte())

    monkeypatch.setitem(data.SETS, "squares", data.DataSet(squares, options=("path",)))
    assert load("squares", split="test", path="here").name == "test here"
    assert load("squares", size=8, n=1).x.shape == (1, 1, 8, 8)


def test_number_of_pictures_by_profile(monkeypatch):
    monkeypatch.setattr(cache, "read", lambda path, n: ({"x": torch.zeros(n, 1, 2, 2).byte()}, {}))
    count = lambda split: len(load("toy-digits", split=split))  # noqa: E731
    for profile, train, test in (("smoke", 256, 256), ("cpu", 4_000, 1_000), ("gpu", 20_000, 2_500)):
        monkeypatch.setenv("DLIM_PROFILE", profile)
        assert (count("train"), count("test")) == (train, test)


def test_the_cache_serves_what_it_has_and_grows(drawn, own_home):
    first = load("toy-digits", n=40)
    assert torch.equal(load("toy-digits", n=40).x, first.x) and drawn == [(40, 0)]
    assert torch.equal(load("toy-digits", n=7).y, first.y[:7]) and drawn == [(40, 0)]
    more = load("toy-digits", n=60)
    assert drawn == [(40, 0), (20, 40)] and torch.equal(more.x[:40], first.x)
    assert len(load("toy-digits", n=60)) == 60 and len(drawn) == 2
    assert torch.equal(more.x, digits.render(60, seed=1, start=0).x)
    assert [p.name for p in own_home.iterdir()] == ["toy-digits-v1-28-train.safetensors"]
    assert len(load("toy-digits", n=5, size=20).x[0, 0]) == 20 and len(drawn) == 4  # a size has its own file


def test_another_version_is_another_file(drawn, monkeypatch):
    load("toy-digits", n=5)
    monkeypatch.setattr(digits, "VERSION", "2")
    assert load("toy-digits", n=5).version == "2" and len(drawn) == 2


def test_splits_differ():
    train, test = (load("toy-digits", n=20, split=s) for s in ("train", "test"))
    assert not (train.x[:, None] == test.x[None]).flatten(2).all(2).any()


@pytest.mark.parametrize("harm", ["cut", "longer", "zeros", "empty", "text", "header"])
def test_a_damaged_cache_is_drawn_again(drawn, own_home, harm):
    good = load("toy-digits", n=30)
    (file,) = own_home.iterdir()
    whole = file.read_bytes()
    file.write_bytes({
        "cut": whole[:-1], "longer": whole + b"!", "zeros": bytes(len(whole)), "empty": b"", "text": b"hello",
        "header": whole.replace(b"[30,1,28,28]", b"[15,2,28,28]"),
    }[harm])  # fmt: skip
    with pytest.warns(UserWarning, match="is damaged"):
        assert torch.equal(load("toy-digits", n=30).x, good.x)
    assert len(drawn) == 2
    load("toy-digits", n=30)
    assert len(drawn) == 2


def test_a_cache_that_can_t_be_written_is_one_warning(own_home):
    own_home.parent.write_text("a file where the folder should be")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(load("toy-digits", n=9)) == 9
    assert len(caught) == 1 and "DLIM_HOME" in str(caught[0].message)


def test_a_full_disk_leaves_no_half_file(own_home, monkeypatch):
    def full(tensors, name, metadata):
        Path(name).write_bytes(b"half")
        raise cache.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(cache, "save_file", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert len(load("toy-digits", n=9)) == 9
    assert list(own_home.iterdir()) == []


def test_a_few_of_many_are_read_by_slices(own_home):
    kept = own_home / f"toy-faces-v{faces.VERSION}-64-train.safetensors"
    many = {"x": torch.zeros(3_000, 3, 64, 64).byte(), "factor yaw": torch.arange(3_000.0)}
    many["x"][9] = 9
    cache.write(kept, many | {"y": torch.zeros(3_000).long(), "mask": torch.zeros(3_000, 64, 64).byte()})
    del many
    load("toy-faces", n=1)  # what a first read needs for itself
    before = psutil.Process().memory_info().rss
    few = load("toy-faces", n=10)
    after = psutil.Process().memory_info().rss
    assert len(few) == 10 and few.x[9].unique().tolist() == [9] and few.factors["yaw"][9] == 9
    assert after - before < 5e6 < kept.stat().st_size / 9
    assert few.x.untyped_storage().nbytes() == few.x.nbytes, "nothing but the ten hangs on to memory"


def test_pets_kept_by_an_older_version_are_made_again(own_home, monkeypatch):
    own_home.mkdir(parents=True)
    np.savez(own_home / f"pets-v{pets.VERSION}-8-train.npz", x=np.zeros((1, 3, 8, 8), np.uint8))
    own = {
        "x": torch.ones(2, 3, 8, 8).byte(),
        "y": torch.zeros(2).long(),
        "mask": torch.zeros(2, 8, 8).byte(),
    }
    monkeypatch.setattr(pets, "read", lambda split, size: own)
    assert load("pets", size=8).x.min() == 1


def test_toy_faces_come_with_everything_that_is_known_about_them(own_home):
    images = load("toy-faces", n=12, size=32)
    again = load("toy-faces", n=8, size=32)  # from the cache
    assert images.x.shape == (12, 3, 32, 32) and images.mirror and images.version == faces.VERSION
    assert images.mask.shape == (12, 32, 32) and images.sketch.shape == (12, 1, 32, 32)
    assert (
        images.classes == list(faces.STYLES)
        and images.mask_classes == again.mask_classes == faces.MASK_CLASSES
    )
    assert torch.equal(images.y, images.factors["style"].argmax(1))
    truth = faces.sample(12, seed=1)
    assert images.factors.keys() == truth.keys()
    assert all(torch.equal(images.factors[k], truth[k].float()) for k in truth)
    for k in ("x", "y", "mask", "sketch"):
        assert torch.equal(getattr(again, k), getattr(images, k)[:8])
    assert torch.equal(again.factors["yaw"], truth["yaw"][:8])
    assert len(list(own_home.iterdir())) == 1
    x, y, mask, sketch = next(images.batches(4, fields=("x", "y", "mask", "sketch")))
    assert x.shape == (4, 3, 32, 32) and mask.max() < len(faces.MASK_CLASSES)
    test = load("toy-faces", n=8, size=32, split="test")
    assert (test.factors["jaw"] != images.factors["jaw"][:8]).all()


def test_resize_is_antialiased():
    board = (torch.arange(28)[:, None] + torch.arange(28)) % 2 * 255
    small = idx.resize(board.byte().expand(2, 1, 28, 28), 7)
    assert small.shape == (2, 1, 7, 7) and small.dtype == torch.uint8
    assert (small[..., 1:-1, 1:-1].float() - 127.5).abs().max() < 20
    assert idx.resize(torch.full((1, 1, 28, 28), 255).byte(), 64).min() == 255


def test_resize_works_in_pieces_without_a_whole_set_of_floats(monkeypatch):
    most, interpolate = [0], idx.F.interpolate

    def spy(x, *args, **more):
        most[0] = max(most[0], len(x))
        return interpolate(x, *args, **more)

    monkeypatch.setattr(idx.F, "interpolate", spy)
    x = torch.arange(700 * 16).remainder(256).view(700, 1, 4, 4).byte()
    small = idx.resize(x, 3)
    assert most[0] <= 256 and torch.equal(small[600:], idx.resize(x[600:], 3))


# ---- IDX files, as MNIST and its relatives have them
def idx_bytes(x):
    head = bytes([0, 0, 8, x.ndim]) + b"".join(s.to_bytes(4, "big") for s in x.shape)
    return head + x.astype(np.uint8).tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read(tmp_path, pack):
    x = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(pack(idx_bytes(x)))
    assert torch.equal(idx.read(tmp_path / "a", 3), torch.from_numpy(x).byte())


def test_idx_errors(tmp_path):
    whole = idx_bytes(np.zeros((2, 3, 4)))
    for broken, why in [
        (whole[:-1], "should hold 24 bytes, .2, 3, 4., but has 23"), (whole + b"!", "but has 25"),
        (b"\0\0\x0d\x03" + whole[4:], "no IDX file of bytes in 3 dimensions, it begins '00000d03'"),
        (whole[:9], "no IDX file"), (b"", "no IDX file"), (b"<html>", "no IDX file"),
        (gzip.compress(whole)[:-9], "cut off or damaged"),
    ]:  # fmt: skip
        (tmp_path / "a").write_bytes(broken)
        with pytest.raises(ValueError, match=why):
            idx.read(tmp_path / "a", 3)


def test_each_set_asks_for_its_own_files(monkeypatch, tmp_path):
    asked = []

    def fetch(name, urls, sha256, *, unzip):
        asked.append((name, sha256, unzip))
        assert all(u.startswith("http") and u.endswith("/" + name.split("/")[1]) for u in urls)
        (tmp_path / "a").write_bytes(idx_bytes(np.arange(5) if "labels" in name else np.zeros((5, 28, 28))))
        return tmp_path / "a"

    monkeypatch.setattr(idx, "fetch", fetch)
    for name in idx.SETS:
        for split in ("train", "test"):
            images = load(name, split=split, n=3, size=14)
            assert images.x.shape == (3, 1, 14, 14) and images.y.tolist() == [0, 1, 2]
            assert images.name == name and len(images.classes) == 10 and not images.mirror
    assert len(asked) == len(set(asked)) == 12
    assert all(unzip == n.startswith("mnist") for n, _, unzip in asked)
    known = (Path(data.__file__).parents[2] / "data" / "README.md").read_text("utf-8")
    assert all(sha256 in known and name in known for name, sha256, _ in asked)


def mirror_of_mnist():
    mirror = os.environ.get("DLIM_MIRROR", "")
    return Path(mirror, "mnist").is_dir() if mirror and "://" not in mirror else bool(mirror)


@pytest.mark.skipif(not mirror_of_mnist(), reason="DLIM_MIRROR holds no mnist/")
def test_the_real_mnist():
    train, test = dl.data.load("mnist"), dl.data.load("mnist", split="test", size=32)
    assert train.x.shape == (60_000, 1, 28, 28) and test.x.shape == (10_000, 1, 32, 32)
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert train.x.float().mean().item() / 255 == pytest.approx(0.1307, abs=1e-4)


def test_the_drawings_by_hand():
    images = load("drawings", split="test", size=32)
    assert images.x.shape == (20, 1, 32, 32) and len(data.drawings.strokes()) == 20
    ink = (images.x < 128).double().mean((1, 2, 3))
    assert (0.03 < ink).all() and (ink < 0.5).all(), "lines on white paper"
    assert torch.equal(load("drawings", split="test", n=2, size=32).x, images.x[:2])
    with pytest.raises(ValueError, match="to test with"):
        load("drawings")


def test_busts_are_the_same_people_as_the_faces(own_home):
    portraits, busts = (load(name, n=3, size=32) for name in ("toy-faces", "toy-busts"))
    assert busts.name == "toy-busts" and busts.mirror and torch.equal(busts.mask == 0, portraits.mask == 0)
    assert all(torch.equal(portraits.factors[k], busts.factors[k]) for k in portraits.factors)
    assert not torch.equal(busts.x, portraits.x)
    assert torch.equal(load("toy-busts", n=2, size=32).x, busts.x[:2])

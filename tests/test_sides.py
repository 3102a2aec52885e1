"""Pairs of pictures from a folder: side by side in one, or in two folders."""

import hashlib
import warnings
import zipfile

import pytest
import torch
from PIL import Image

from dlimlib.data import berkeley, load

RED, BLUE, GREEN = (200, 30, 30), (20, 40, 220), (10, 200, 60)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """A cache for each test."""
    monkeypatch.setenv("DLIM_HOME", str(tmp_path_factory.mktemp("home")))


def save(path, *colours, side=20):
    """Squares of these colours side by side."""
    image = Image.new("RGB", (side * len(colours), side))
    for i, colour in enumerate(colours):
        image.paste(colour, (i * side, 0, (i + 1) * side, side))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=95)


def quietly(root, **options):
    """What load gives, and the text of its one warning, or none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images = load("folder", path=root, size=8, pairs=True, **options)
    return images, "".join(str(w.message) for w in caught)


def are(pictures, colour):
    return (pictures.float().mean((0, 2, 3)) - torch.tensor(colour)).abs().max() < 5


def test_two_pictures_side_by_side(tmp_path):
    for i in range(40):
        save(tmp_path / f"{i}.jpg", RED, BLUE)
    save(tmp_path / "single.jpg", GREEN)
    (train, said), (test, also) = quietly(tmp_path), quietly(tmp_path, split="test")
    assert "single.jpg (is not two pictures side by side, with 20 × 20 pixels)" in said + also
    assert len(train) + len(test) == 40 and len(test) >= 15
    for images in (train, test):
        assert images.x.shape == images.extra["target"].shape == (len(images), 3, 8, 8)
        assert are(images.x, RED) and are(images.extra["target"], BLUE)
    x, target = next(train.batches(4, fields=("x", "target")))
    assert x[0, 0].mean() > 0 > target[0, 0].mean(), "both come as floats"


def test_folders_a_and_b_go_by_names(tmp_path):
    for i in range(3):
        shade = (60 * i, 0, 0)
        save(tmp_path / "A/train" / f"{i}.png", shade)
        save(tmp_path / "B/train" / f"{i}.png", shade[::-1])
    save(tmp_path / "A/test/last.png", RED)
    save(tmp_path / "B/test/last.png", BLUE)
    save(tmp_path / "A/test/alone.png", RED)
    save(tmp_path / "note.png", GREEN)
    train, said = quietly(tmp_path)
    assert len(train) == 3 and torch.equal(train.x, train.extra["target"].flip(1)), "each with its own"
    assert "alone.png (has no partner of the same name in B)" in said
    assert "note.png (lies neither in A nor in B)" in said
    assert len(quietly(tmp_path, split="test")[0]) == 1


def test_folders_as_cyclegan_names_them(tmp_path):
    for split in ("train", "test"):
        for i in range(2):
            save(tmp_path / f"{split}A" / f"{i}_A.jpg", RED)
            save(tmp_path / f"{split}B" / f"{i}_B.jpg", BLUE)
    train, said = quietly(tmp_path)
    assert len(train) == 2 and are(train.x, RED) and are(train.extra["target"], BLUE)
    assert "skipped" not in said


def test_what_does_not_fit_is_an_error(tmp_path):
    save(tmp_path / "A/1.png", RED)
    save(tmp_path / "B/1.png", BLUE)
    with pytest.raises(ValueError, match="needs two pairs, one to train and one to test with; it has 1"):
        quietly(tmp_path)
    save(tmp_path / "A/2.png", RED)
    save(tmp_path / "B/2.png", BLUE, side=30)
    with pytest.raises(ValueError, match="has 20 × 20 pixels, its partner 30 × 30"):
        for split in ("train", "test"):
            quietly(tmp_path, split=split)
    with pytest.raises(ValueError, match='pairs goes with "folder" only'):
        load("toy-faces", pairs=True)


def archive(root, name, pairs):
    """A zip as CycleGAN's: pairs of colours, one for each split, and a stray file."""
    with zipfile.ZipFile(root / f"{name}.zip", "w") as whole:
        for split, (a, b) in pairs.items():
            for side, colour in (("A", a), ("B", b)):
                for i in range(3):
                    file = root / "one.jpg"
                    save(file, colour)
                    whole.write(file, f"{name}/{split}{side}/{i}_{side}.jpg")
        whole.writestr(f"{name}/readme.txt", "no picture")
        whole.writestr(f"{name}/trainA/9_A.jpg", b"broken")
    return hashlib.sha256((root / f"{name}.zip").read_bytes()).hexdigest()


def test_the_archives_of_cyclegan_in_pairs_and_side_by_side(tmp_path, monkeypatch):
    root = tmp_path / "cyclegan"
    root.mkdir()
    for name in ("facades", "horse2zebra"):
        sha = archive(root, name, {"train": (RED, BLUE), "test": (GREEN, RED)})
        monkeypatch.setitem(berkeley.SHA256, name, sha)
    monkeypatch.setenv("DLIM_MIRROR", str(tmp_path))
    with pytest.warns(UserWarning, match="1 pictures can't be read: facades/trainA/9_A.jpg"):
        train = load("facades", size=8)
    assert len(train) == 3 and are(train.x, RED) and are(train.extra["target"], BLUE)
    test = load("facades", size=8, split="test", n=2)
    assert len(test) == 2 and are(test.x, GREEN) and are(test.extra["target"], RED)
    zebras = load("zebras", size=8)
    assert are(zebras.x, BLUE) and zebras.extra is None and zebras.name == "zebras"
    assert are(load("horses", size=8, split="test").x, GREEN)

"""Pictures with labels from a folder, and the pets from an archive: what fits, and what is said otherwise."""

import hashlib
import io
import tarfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib.data import load, pets

RED, BLUE, GREEN = (200, 30, 30), (20, 40, 220), (10, 200, 60)


def halves(left, right, size=(24, 16), mode="RGB"):
    """A picture of two values, side by side."""
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


@pytest.fixture
def pairs(tmp_path):
    """A folder of 12 pairs: red left of blue, labelled 0 and 2 as integers."""
    for i in range(12):
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(0, 2, mode="L"))
    return tmp_path


def save(root, name, image, label, ending="png"):
    for kind, picture, end in (("images", image, "jpg"), ("labels", label, ending)):
        (root / kind / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(root / kind / f"{name}.{end}", quality=95)


def both(root, **options):
    return [load("folder", path=root, size=8, split=s, **options) for s in ("train", "test")]


def fits_the_picture(images):
    """Label 1 where the picture is blue."""
    return torch.equal(images.mask == 1, images.x[:, 2] > images.x[:, 0])


def test_integers_without_a_list_of_classes(pairs):
    train, test = both(pairs)
    assert len(train) + len(test) == 12 and len(test) >= 1
    for images in (train, test):
        assert images.mask.dtype == torch.uint8 and images.mask.shape == (len(images), 8, 8)
        assert images.mask_classes == ["0", "2"] and fits_the_picture(images) and images.mirror
    x, mask = next(train.batches(4, fields=("x", "mask"), flip=True))
    assert torch.equal(mask == 1, x[:, 2] > x[:, 0]), "mirrored together"
    assert "mask of 2 classes" in repr(train) and "mask" not in repr(replace(train, mask=None))
    assert len(load("folder", path=pairs, size=8, n=3)) == 3


def test_a_list_names_the_classes(pairs):
    (pairs / "classes.txt").write_text("wall\nthe floor\nsky\n\n", encoding="utf-8")
    train, _ = both(pairs)
    assert train.mask_classes == ["wall", "the floor", "sky"] and set(train.mask.unique().tolist()) == {0, 2}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours(tmp_path, mode):
    for i in range(4):
        label = halves(GREEN, BLUE)
        label = label.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else label.convert(mode)
        save(tmp_path, f"{i}", halves(RED, BLUE), label)
    (tmp_path / "classes.txt").write_text("rest #0Ac83c\nwater  #1428DC\nhair #000000\n")
    for images in both(tmp_path):
        assert images.mask_classes == ["rest", "water", "hair"] and fits_the_picture(images)


@pytest.mark.parametrize("mode, low, high", [("1", 0, 1), ("P", 0, 1), ("I;16", 3, 700), ("RGB", 3, 5)])
def test_other_integers(tmp_path, mode, low, high):
    values = np.repeat([[low] * 8 + [high] * 8], 16, 0)
    label = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "1":
        label = label.point(lambda v: 255 * v).convert("1")
    if mode == "P":
        label.putpalette([9, 9, 9, 80, 80, 80])
    if mode == "RGB":
        label = label.convert("RGB")
    for i in range(3):
        save(tmp_path, f"{i}", halves(RED, BLUE, (16, 16)), label)
    for images in both(tmp_path):
        assert images.mask_classes == [str(low), str(high)] and fits_the_picture(images)


def test_labels_are_cropped_like_the_picture_and_never_mixed(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(6):
        values = rng.integers(0, 2, (5, 9)).repeat(40, 0).repeat(40, 1).astype(np.uint8) * 5
        picture = Image.fromarray(values * 51).convert("RGB")
        save(tmp_path, f"deep/er/{i}", picture, Image.fromarray(values))
    for images in both(tmp_path):
        assert images.mask_classes == ["0", "5"]
        wrong = (images.mask == 1) != (images.x[:, 0] > 127)
        assert wrong.float().mean() < 0.1 and set(images.mask.unique().tolist()) == {0, 1}


def test_a_turned_photograph_has_upright_labels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the upright picture is this one turned clockwise: red above, blue below
    label = halves(0, 1, (24, 16), "L").transpose(Image.Transpose.ROTATE_270)
    for i in range(3):
        save(tmp_path, f"{i}", halves(RED, BLUE), label)
        halves(RED, BLUE).save(tmp_path / "images" / f"{i}.jpg", exif=exif, quality=95)
    for images in both(tmp_path):
        assert fits_the_picture(images)


def without(kind):
    return lambda root: (root / kind / f"3.{'jpg' if kind == 'images' else 'png'}").unlink()


def classes(text):
    return lambda root: (root / "classes.txt").write_text(text)


WRONG = {
    r"no partner of the same name in labels/ for 3$": without("labels"),
    r"no partner of the same name in images/ for 3$": without("images"),
    r"images/ has 3.bmp and 3.jpg": lambda root: halves(RED, BLUE).save(root / "images" / "3.bmp"),
    r"3.jpg with .*3.png: the picture has 24 × 16 pixels, its labels have 16 × 16": lambda root: halves(
        0, 2, (16, 16), "L").save(root / "labels" / "3.png"),
    r"no classes.txt says which one is what": lambda root: halves(RED, BLUE).save(root / "labels" / "3.png"),
    r"more than 64 different values": lambda root: Image.fromarray(
        np.arange(24 * 16, dtype=np.uint16).reshape(16, 24)).save(root / "labels" / "3.png"),
    r"3.png: JPEG changes the labels": lambda root: halves(
        0, 2, mode="L").save(root / "labels" / "3.png", "jpeg"),
    r"a label 2, which is none of the 2 classes": classes("wall\nfloor"),
    r"a label #020202, which is none of the 2 classes": classes("wall #000000\nfloor #ff0000"),
    r"each class a colour of its own": classes("wall #000000\nfloor"),
    r"a colour of its own like": classes("wall #aaaaaa\nfloor #AAAAAA"),
    r"must name 2 to 256 classes, one a line; it has 1": classes("wall"),
    r"3.jpg with .*3.png: .*identify": lambda root: (root / "images" / "3.jpg").write_bytes(b"no picture"),
}  # fmt: skip


@pytest.mark.parametrize("says", WRONG)
def test_what_does_not_fit_is_said(pairs, says):
    WRONG[says](pairs)
    with pytest.raises(ValueError, match=says):
        both(pairs)


def test_one_pair_is_not_enough(tmp_path):
    save(tmp_path, "a", halves(RED, BLUE), halves(0, 1, mode="L"))
    with pytest.raises(ValueError, match="needs two pairs"):
        load("folder", path=tmp_path)


# ---------------------------------------------------------------------------------------- pets


def pack(path, files):
    """A .tar.gz of {name: bytes}; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A mirror with archives like those of the pets: 3 to train with, 1 to test with, one of them broken."""
    trimap = encoded(halves(2, 1, mode="L"), "png")
    names = ["Abyssinian_1", "yorkshire_terrier_12", "Birman_3", "pug_7"]
    images = {f"images/{name}.jpg": encoded(halves(RED, BLUE), "jpeg") for name in names}
    exif = Image.Exif()
    exif[0x0112] = 3  # on its head, which the trimaps know nothing of
    images["images/yorkshire_terrier_12.jpg"] = encoded(halves(RED, BLUE), "jpeg", exif=exif)
    images["images/Abyssinian_1.jpg"] = encoded(halves(RED, BLUE), "gif")  # as some of the real ones
    images["images/Birman_3.jpg"] = b"broken"
    images["images/._pug_7.jpg"] = images["images/extra.mat"] = b"something else"
    notes = {f"annotations/trimaps/{name}.png": trimap for name in names}
    notes |= {"annotations/trimaps/._pug_7.png": b"x"}
    notes["annotations/trainval.txt"] = b"Abyssinian_1 1 1 1\nyorkshire_terrier_12 37 2 25\nBirman_3 7 1 3\n"
    notes["annotations/test.txt"] = b"pug_7 26 2 18\n"
    mirror = tmp_path / "mirror" / "oxford-iiit-pet"
    found = {"images.tar.gz": images, "annotations.tar.gz": notes}
    monkeypatch.setattr(pets, "SHA256", {file: pack(mirror / file, files) for file, files in found.items()})
    monkeypatch.setenv("DLIM_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home"))
    return mirror


def test_pets(archive, monkeypatch):
    with pytest.warns(UserWarning, match="1 of the pets can't be read: Birman_3"):
        train = load("pets", size=16)
    assert len(train) == 2 and train.x.shape == (2, 3, 16, 16) and train.mirror
    assert train.mask_classes == ["pet", "background", "border"]
    assert [train.classes[y] for y in train.y] == ["Abyssinian", "Yorkshire Terrier"]
    assert (train.mask[:, :, :7] == 1).all() and (train.mask[:, :, 9:] == 0).all()
    assert (train.x[:, 0, :, :7] > 150).all() and (train.x[:, 2, :, 9:] > 150).all()
    monkeypatch.setattr(pets, "read", None)  # from now on the cache is enough
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load("pets", size=16, n=1)
    assert torch.equal(again.x, train.x[:1]) and torch.equal(again.mask, train.mask[:1])


def test_pets_split(archive):
    test = load("pets", size=16, split="test")
    assert [test.classes[y] for y in test.y] == ["Pug"] and len(set(pets.BREEDS)) == 37


def test_the_documentation_knows_the_pets():
    known = (Path(pets.__file__).parents[2] / "data" / "README.md").read_text("utf-8")
    assert all(f"oxford-iiit-pet/{file}" in known and sha256 in known for file, sha256 in pets.SHA256.items())

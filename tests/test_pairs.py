"""Pictures with labels from a folder, and the pets from an archive: what fits, and what is said otherwise."""

import hashlib
import io
import re
import tarfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from dlimlib.data import IGNORE, cache, load, pairs, pets
from dlimlib.metrics import confusion

RED, BLUE, GREEN = (200, 30, 30), (20, 40, 220), (10, 200, 60)


def halves(left, right, size=(24, 16), mode="RGB"):
    """A picture of two values, side by side."""
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """A cache for each test."""
    monkeypatch.setenv("DLIM_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def twelve(tmp_path):
    """A folder of 12 pairs: red left of blue, labelled 0 and 2 as integers."""
    for i in range(12):
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(0, 2, mode="L"))
    return tmp_path


def save(root, name, image, label, ending="png", kinds=("images", "labels")):
    for kind, picture, end in zip(kinds, (image, label), ("jpg", ending), strict=True):
        (root / kind / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(root / kind / f"{name}.{end}", quality=95)


def both(root, **options):
    return [quietly(root, split=s, **options)[0] for s in ("train", "test")]


def quietly(root, *, size=8, **options):
    """What load gives, and the text of its one warning, or none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images = load("folder", path=root, size=size, **options)
    assert len(caught) <= 1, [str(w.message) for w in caught]
    return images, "".join(str(w.message) for w in caught)


def fits_the_picture(images):
    """Label 1 where the picture is blue."""
    return torch.equal(images.mask == 1, images.x[:, 2] > images.x[:, 0])


def test_integers_without_a_list_of_classes(twelve):
    train, test = both(twelve)
    assert len(train) + len(test) == 12 and len(test) >= 1
    for images in (train, test):
        assert images.mask.dtype == torch.uint8 and images.mask.shape == (len(images), 8, 8)
        assert images.mask_classes == ["0", "2"] and fits_the_picture(images) and images.mirror
    x, mask = next(train.batches(4, fields=("x", "mask"), flip=True))
    assert torch.equal(mask == 1, x[:, 2] > x[:, 0]), "mirrored together"
    assert "mask of 2 classes" in repr(train) and "mask" not in repr(replace(train, mask=None))
    assert len(load("folder", path=twelve, size=8, n=3)) == 3


def test_a_list_names_the_classes(twelve):
    (twelve / "classes.txt").write_text("wall\nthe floor\nsky\n\n", encoding="utf-8")
    train, _ = both(twelve)
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


def every(change):
    """The change made to the files of all pairs."""
    return lambda root: [change(root, str(i)) for i in range(12)]


BROKEN = {
    r"images/3.jpg \(has no labels of the same name\)": without("labels"),
    r"labels/3.png \(has no picture of the same name\)": without("images"),
    r"images/3.jpg \(goes by the same name as 3.bmp\)": lambda root: halves(RED, BLUE).save(
        root / "images" / "3.bmp"),
    r"3.jpg \(with labels/3.png: the picture has 24 × 16 pixels, its labels .* 16 × 16": lambda root: halves(
        0, 2, (16, 16), "L").save(root / "labels" / "3.png"),
    r"no classes.txt says which one is what": lambda root: halves(RED, BLUE).save(root / "labels" / "3.png"),
    r"3.png: JPEG changes the labels": lambda root: halves(
        0, 2, mode="L").save(root / "labels" / "3.png", "jpeg"),
    r"3.jpg \(with labels/3.png: cannot identify": lambda root: (root / "images/3.jpg").write_bytes(b"no"),
}  # fmt: skip
WRONG = {
    r"more than 64 different values": lambda root: Image.fromarray(
        np.arange(24 * 16, dtype=np.uint16).reshape(16, 24)).save(root / "labels" / "3.png"),
    r"don't fit: .*a label 2, which is none of the 2 classes": classes("wall\nfloor"),
    r"a label #020202, which is none of the 2 classes": classes("wall #000000\nfloor #ff0000\nvoid #ff00ff"),
    r"each class a colour of its own": classes("wall #000000\nfloor"),
    r"a colour of its own like": classes("wall #aaaaaa\nfloor #AAAAAA"),
    r"must name 2 to 254 classes, one a line, apart from ignore": classes("wall\nignore"),
    r"of the pairs in .* don't fit: .*JPEG changes the labels": every(
        lambda root, i: halves(0, 2, mode="L").save(root / "labels" / f"{i}.png", "jpeg")),
    r"needs two pairs, .*it has 1. .*has no labels": lambda root: [
        (root / "labels" / f"{i}.png").unlink() for i in range(11)],
    r"needs two pairs, .*it has 0": every(lambda root, i: (root / "labels" / f"{i}.png").unlink()),
}  # fmt: skip


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_pair_is_skipped_and_listed(twelve, says):
    BROKEN[says](twelve)
    loaded = [quietly(twelve, split=s) for s in ("train", "test")]
    assert sum(len(images) for images, _ in loaded) == (12 if "same name as" in says else 11)
    said = "\n".join(said for _, said in loaded)
    assert re.search(says, said) and "skipped 1 of the files" in said, said


@pytest.mark.parametrize("says", WRONG)
def test_what_does_not_fit_is_said(twelve, says):
    WRONG[says](twelve)
    with pytest.raises(ValueError, match=says):
        both(twelve)


@pytest.mark.parametrize("kinds", [
    ("images", "masks"), ("JPEGImages", "SegmentationClass"), ("Images", "LABELS"), ("image", "mask"),
])  # fmt: skip
def test_other_names_of_the_two_folders(tmp_path, kinds):
    for i in range(4):
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(0, 2, mode="L"), kinds=kinds)
    (tmp_path / kinds[0] / "Thumbs.db").touch()
    (tmp_path / kinds[1] / ".DS_Store").touch()
    images, said = quietly(tmp_path)
    assert len(images) == 2 and fits_the_picture(images) and said == ""


@pytest.mark.parametrize("kinds", ["images/{}", "{}/images"])
def test_pairs_for_training_and_test_are_taken_as_they_are(tmp_path, kinds):
    for i in range(20):
        kind = kinds.format("test" if i < 17 else "train")
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(0, 2, mode="L"),
             kinds=(kind, kind.replace("images", "labels")))  # fmt: skip
    train, test = both(tmp_path)
    assert len(train) == 3 and len(test) == 17 and fits_the_picture(test)


def test_pairs_split_by_film(tmp_path):
    for film in range(30):
        for i in range(3):
            save(
                tmp_path, f"{film}/{i}", Image.new("RGB", (8, 8), (8 * film,) * 3), halves(0, 2, (8, 8), "L")
            )
    films = [set((images.x[:, 0, 4, 4] / 8).round().tolist()) for images in both(tmp_path, split_by="folder")]
    assert not films[0] & films[1] and len(films[0] | films[1]) == 30


def test_tiles_of_a_picture_and_of_its_labels_are_the_same_squares(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        labels = rng.integers(0, 2, (20, 36)).astype(np.uint8)
        for kind, values in (("images", labels * 255), ("labels", labels)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(values).save(tmp_path / kind / f"{i}.png")
    train, test = both(tmp_path, tiles=8)
    assert len(train) == len(test) == 2 * 2 * 4
    assert torch.equal(train.mask * 255, train.x[:, 0]) and train.mask.unique().tolist() == [0, 1]


# --------------------------------------------------------------------------------- pixels that don't count


def test_255_and_a_class_called_ignore_do_not_count(tmp_path):
    for i in range(4):
        label = halves(0, 2, mode="L")
        label.paste(255, (0, 0, 24, 4))
        save(tmp_path, f"{i}", halves(RED, BLUE), label)
    train = quietly(tmp_path)[0]
    assert train.mask_classes == ["0", "2"] and train.mask.unique().tolist() == [0, 1, IGNORE]
    (tmp_path / "classes.txt").write_text("wall\nIgnore\nsky\n")
    train = quietly(tmp_path)[0]
    assert train.mask_classes == ["wall", "sky"] and (train.mask[:, 0] == IGNORE).all()
    assert fits_the_picture(replace(train, mask=train.mask[:, 3:], x=train.x[:, :, 3:]))
    (tmp_path / "classes.txt").write_text("ignore\ndoor\nsky\n")
    train = quietly(tmp_path)[0]
    assert train.mask_classes == ["door", "sky"] and train.mask.unique().tolist() == [1, IGNORE]
    _, mask = next(train.batches(4, fields=("x", "mask")))
    assert F.cross_entropy(torch.zeros(4, 2, 8, 8), mask, ignore_index=IGNORE).isfinite()
    counted = confusion(torch.ones_like(mask), mask, 2)
    assert counted.sum() == (mask != IGNORE).sum() == counted[1, 1]


def test_black_and_white_masks_with_two_names(tmp_path):
    for i in range(4):
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(0, 255, mode="L"))
    assert quietly(tmp_path)[0].mask_classes == ["0", "255"]
    (tmp_path / "classes.txt").write_text("inside\nmembrane\n")
    images, _ = quietly(tmp_path)
    assert images.mask_classes == ["inside", "membrane"] and fits_the_picture(images)
    save(tmp_path, "5", halves(RED, BLUE), halves(0, 1, mode="L"))
    train, test = both(tmp_path)
    assert set(train.mask.unique().tolist()) | set(test.mask.unique().tolist()) == {0, 1, IGNORE}


def test_lines_with_the_colour_first(tmp_path):
    for i in range(4):
        save(tmp_path, f"{i}", halves(RED, BLUE), halves(GREEN, BLUE))
    (tmp_path / "classes.txt").write_text(
        "10 200 60\tRoad works\n20 40 220 Sky\n0, 0, 0, Void\n300 1 2 x #010101\n"
    )
    images, _ = quietly(tmp_path)
    assert images.mask_classes == ["Road works", "Sky", "300 1 2 x"] and fits_the_picture(images)


def test_the_second_start_opens_no_picture(twelve, monkeypatch):
    monkeypatch.setattr(cache, "LONG", 0)
    (twelve / "images" / "3.jpg").write_bytes(b"no picture")
    first = [quietly(twelve, split=s) for s in ("train", "test")]
    opened = []
    monkeypatch.setattr(Image, "open", lambda file: opened.append(file))
    pairs._values.cache_clear()
    again = [quietly(twelve, split=s) for s in ("train", "test")]
    assert not opened and [said for _, said in first] == [said for _, said in again]
    for (a, _), (b, _) in zip(first, again, strict=True):
        assert torch.equal(a.x, b.x) and torch.equal(a.mask, b.mask) and a.mask_classes == b.mask_classes
    monkeypatch.undo()


def test_another_list_of_classes_is_read_again(twelve, monkeypatch):
    monkeypatch.setattr(cache, "LONG", 0)
    (twelve / "classes.txt").write_text("wall\nfloor\nsky\n")
    assert quietly(twelve)[0].mask_classes[0] == "wall"
    (twelve / "classes.txt").write_text("house\nfloor\nsky\n")
    assert quietly(twelve)[0].mask_classes[0] == "house"


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
    monkeypatch.setattr(cache, "LONG", 0)
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

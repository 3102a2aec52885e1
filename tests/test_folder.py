"""A folder of pictures as people really have them."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib.data import cache, decode, files, load
from dlimlib.settings import home

RED, BLUE = (200, 30, 30), (20, 40, 220)


def two_tone(size=(60, 40)):
    """Left half red, right half blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def close(pixels, colour, tolerance=12):
    return (pixels.float().flatten(1).mean(1) - torch.tensor(colour)).abs().max() <= tolerance


def picture(tmp_path, image, name, size=16, **save):
    """image as it comes back through a file."""
    image.save(tmp_path / name, **save)
    return decode.read_picture(tmp_path / name, size)[0]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """A cache for each test."""
    monkeypatch.setenv("DLIM_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("mode, name", [
    ("RGB", "a.jpg"), ("RGB", "a.png"), ("RGBA", "a.png"), ("CMYK", "a.jpg"), ("CMYK", "a.tif"),
    ("P", "a.gif"), ("P", "a.png"), ("RGB", "a.webp"), ("RGB", "a.bmp"), ("YCbCr", "a.jpg"),
])  # fmt: skip
def test_colour_modes(tmp_path, mode, name):
    x = picture(tmp_path, two_tone().convert(mode), name)
    assert x.shape == (3, 16, 16) and x.dtype == torch.uint8
    assert close(x[:, 2:-2, 1:6], RED, 25) and close(x[:, 2:-2, 10:15], BLUE, 25)


@pytest.mark.parametrize("mode, name", [("L", "a.png"), ("LA", "a.png"), ("1", "a.png")])
def test_grey(tmp_path, mode, name):
    x = picture(tmp_path, Image.new("L", (30, 30), 255).convert(mode), name)
    assert (x == 255).all() and x.shape[0] == 3


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, name):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    x = picture(tmp_path, Image.fromarray(ramp), name, size=64)[0].float()
    assert (x - torch.from_numpy(ramp / 257)).abs().max() <= 1.5


def test_floats_are_spread_over_the_greys(tmp_path):
    x = picture(tmp_path, Image.fromarray(np.linspace(3, 4, 256, dtype=np.float32).reshape(16, 16)), "a.tif")
    assert x.min() == 0 and x.max() == 255


def test_transparent_pixels_are_white(tmp_path):
    clear = Image.new("RGBA", (20, 20), (*RED, 0))
    clear.paste((*RED, 255), (0, 0, 10, 20))
    x = picture(tmp_path, clear, "a.png", size=20)
    assert close(x[:, :, :9], RED) and (x[:, :, 11:] == 255).all()
    palette = two_tone((20, 20)).convert("P", palette=Image.Palette.ADAPTIVE)
    x = picture(tmp_path, palette, "b.png", size=20, transparency=palette.getpixel((0, 0)))
    assert (x[:, :, :9] == 255).all() and close(x[:, :, 11:], BLUE)


def test_exif_rotation_is_undone(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the upright picture is this one turned clockwise
    x = picture(tmp_path, two_tone((40, 40)), "a.jpg", exif=exif, quality=95)
    assert close(x[:, :6], RED, 20) and close(x[:, 10:], BLUE, 20)


def test_the_middle_square_is_kept(tmp_path):
    wide = Image.new("RGB", (90, 30), BLUE)
    wide.paste(RED, (30, 0, 60, 30))
    assert close(picture(tmp_path, wide, "a.png"), RED, 5)
    assert close(picture(tmp_path, wide.transpose(Image.Transpose.ROTATE_90), "b.png"), RED, 5)
    assert picture(tmp_path, Image.new("RGB", (1, 3), RED), "c.png").shape == (3, 16, 16)  # even the smallest


def test_shrinking_is_antialiased(tmp_path):
    board = np.indices((256, 256)).sum(0) % 2 * 255
    x = picture(tmp_path, Image.fromarray(board.astype(np.uint8)), "a.png")
    assert (x[:, 2:-2, 2:-2].float() - 127.5).abs().max() < 6


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (20, 20), c) for c in (RED, BLUE, BLUE)]
    assert close(picture(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:]), RED)


def bomb(path):
    """A small PNG file that claims 30,000 × 30,000 pixels."""
    chunk = lambda kind, data: (  # noqa: E731
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_what_can_t_be_read_is_listed_once(tmp_path):
    for i in range(6):
        two_tone().save(tmp_path / f"good {i} é.png")
    whole = (tmp_path / "good 0 é.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "liar.jpg").write_bytes(b"<html>not found</html>")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    bomb(tmp_path / "bomb.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    bad = {"cut.png", "empty.jpg", "notes.txt", "liar.jpg", "bomb.png", "phone.HEIC"}
    (tmp_path / "phone.HEIC").write_bytes(b"ftypheic")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "desktop.ini").write_text("x")
    said, count = "", 0
    for split in ("train", "test"):
        images, message = quietly(tmp_path, size=16, split=split)
        said, count = said + message, count + len(images)
        assert len(images) >= 1 and message.count("skipped") == 1
    assert count == 6 and all(name in said for name in bad)
    assert not any(name in said for name in ("DS_Store", "good", "Thumbs", "desktop", "pipe"))
    assert "phone.HEIC (HEIC is not understood here, export it as JPEG)" in said


def quietly(path, **options):
    """What load gives, and the text of its one warning, or none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images = load("folder", path=path, **options)
    assert len(caught) <= 1, [str(w.message) for w in caught]
    return images, "".join(str(w.message) for w in caught)


def grey(path, value, size=(8, 8)):
    """A flat picture that is known again by its grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


def values(path, split, **options):
    """The greys of a split."""
    return set(quietly(path, size=8, split=split, **options)[0].x[:, 0, 4, 4].tolist())


def test_splits_are_disjoint_and_adding_a_picture_moves_few(tmp_path):
    for i in range(1, 101):
        grey(tmp_path / f"{i}.png", 2 * i)
    train, test = values(tmp_path, "train"), values(tmp_path, "test")
    assert not train & test and train | test == {2 * i for i in range(1, 101)}
    assert len(test) == 16, "names such as these gave six"
    grey(tmp_path / "one more.png", 255)
    assert len(test - values(tmp_path, "test")) <= 1
    assert len(quietly(tmp_path, size=8, n=5)[0]) == 5


def test_a_tenth_of_many_names_is_the_test_split(tmp_path):
    places = {tmp_path / f"{i}.jpg": () for i in range(1000)}
    test, _, _ = files.divide(places, "test")
    assert 70 < len(test) < 130 and all(files.share(f.name) < 0.1 for f in test)
    more, _, _ = files.divide(places | {tmp_path / f"new {i}.jpg": () for i in range(500)}, "test")
    assert set(test) <= set(more), "nobody changes sides"


def test_a_small_test_split_says_why(tmp_path):
    for i in range(20):
        grey(tmp_path / f"{i}.png", i)
    test, said = quietly(tmp_path, size=8, split="test")
    assert len(test) == 10 and "has 10 of the 16 pictures" in said and "at most half of the 20 files" in said
    assert quietly(tmp_path, size=8)[1] == "", "once is enough"


def test_even_two_pictures_make_two_splits(tmp_path):
    for i in range(2):
        two_tone().save(tmp_path / f"{i}.png")
    assert [len(quietly(tmp_path, split=s)[0]) for s in ("train", "test")] == [1, 1]
    os.remove(tmp_path / "1.png")
    with pytest.raises(ValueError, match="two pictures"):
        load("folder", path=tmp_path, split="test")


@pytest.mark.parametrize("train, test", [("train", "test"), ("Training", "VAL"), ("train", "valid")])
def test_folders_for_training_and_test_are_taken_as_they_are(tmp_path, train, test):
    for i in range(40):
        grey(tmp_path / (test if i < 9 else train) / ("cats" if i % 2 else "dogs") / f"{i}.png", i)
    assert values(tmp_path, "test") == set(range(9)) and values(tmp_path, "train") == set(range(9, 40))
    images, said = quietly(tmp_path, size=8, split="test")
    assert images.classes == ["cats", "dogs"] and torch.equal(images.y, 1 - images.x[:, 0, 4, 4].long() % 2)
    assert "has 9 of the 16 pictures" in said and "its folder has no more" in said


def test_val_beside_test_is_for_training_and_train_alone_is_a_class(tmp_path):
    for i, name in enumerate(("train", "val", "test")):
        grey(tmp_path / "three" / name / "a.png", i)
    assert values(tmp_path / "three", "test") == {2} and values(tmp_path / "three", "train") == {0, 1}
    for i, name in enumerate(("bus", "train")):
        for j in range(20):
            grey(tmp_path / "vehicles" / name / f"{j}.png", i)
    assert quietly(tmp_path / "vehicles", size=8)[0].classes == ["bus", "train"]


def test_a_split_by_folder_never_shows_a_person_in_both(tmp_path):
    for person in range(40):
        for i in range(5):
            grey(tmp_path / f"s{person}" / "2024" / f"{i}.png", person)
    split = {s: values(tmp_path, s, split_by="folder") for s in ("train", "test")}
    assert not split["train"] & split["test"] and split["train"] | split["test"] == set(range(40))
    assert 16 <= 5 * len(split["test"]) <= 50
    assert values(tmp_path, "train") & values(tmp_path, "test"), "by name, most people are in both"
    with pytest.raises(ValueError, match="split_by must be \"folder\" or None, got 'person'"):
        load("folder", path=tmp_path, split_by="person")
    with pytest.raises(ValueError, match="needs two folders"):
        load("folder", path=tmp_path / "s1", split_by="folder")


def test_a_large_folder_is_not_the_test_split(tmp_path):
    for person, many in enumerate((30, 3, 3)):
        for i in range(many):
            grey(tmp_path / f"{person}" / f"{i}.png", person)
    assert 0 in values(tmp_path, "train", split_by="folder")
    assert values(tmp_path, "test", split_by="folder") <= {1, 2}


def test_tiles_keep_every_pixel_and_stay_in_one_split(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(8):
        x = rng.integers(0, 2, (24, 40, 3)).astype(np.uint8) * 255
        x[..., 0] = 10 * i
        Image.fromarray(x).save(tmp_path / f"{i}.png")
    splits = {s: quietly(tmp_path, size=8, tiles=8, split=s)[0].x for s in ("train", "test")}
    assert sorted(map(len, splits.values())) == [2 * 15, 6 * 15]
    people = [set(x[:, 0].unique().tolist()) for x in splits.values()]
    assert not people[0] & people[1] and len(people[0] | people[1]) == 8
    for x in splits.values():
        assert set(x[:, 1:].unique().tolist()) == {0, 255}, "nothing is shrunk"
    whole = np.array(Image.open(tmp_path / "3.png"))
    mine = next(x for x in splits.values() if 30 in x[:, 0])
    mine = mine[mine[:, 0, 0, 0] == 30].view(3, 5, 3, 8, 8).permute(0, 3, 1, 4, 2).reshape(24, 40, 3)
    assert np.array_equal(mine.numpy(), whole)
    coarse = quietly(tmp_path, size=8, tiles=20, n=3)[0]
    assert len(coarse) == 3 and coarse.x.shape[1:] == (3, 8, 8)
    assert len(quietly(tmp_path, size=8, tiles=100)[0]) == 6, "too small to be cut"


@pytest.fixture
def counted(monkeypatch):
    """A list of the pictures that were decoded, all of them worth keeping."""
    monkeypatch.setattr(cache, "LONG", 0)
    read, seen = decode.read_picture, []
    monkeypatch.setattr(
        "dlimlib.data.pairs.read_picture", lambda f, *a, **k: seen.append(f.name) or read(f, *a, **k)
    )
    return seen


def test_the_second_start_decodes_nothing(tmp_path, counted):
    for i in range(40):
        grey(tmp_path / "photos" / f"{i}.png", i)
    (tmp_path / "photos" / "cut.png").write_bytes(b"broken")
    first = [quietly(tmp_path / "photos", size=8, split=s) for s in ("train", "test")]
    assert len(counted) == 41
    again = [quietly(tmp_path / "photos", size=8, split=s) for s in ("train", "test")]
    assert len(counted) == 41 and [said for _, said in first] == [said for _, said in again]
    assert all(torch.equal(a.x, b.x) for (a, _), (b, _) in zip(first, again, strict=True))
    quietly(tmp_path / "photos", size=9), quietly(tmp_path / "photos", size=8, n=3)
    assert len(counted) > 41 + 3, "other options are another file"


def test_what_is_decoded_at_once_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LONG", 60)
    for i in range(3):
        grey(tmp_path / f"{i}.png", i)
    quietly(tmp_path, size=8)
    assert not (home() / "data").exists()


@pytest.mark.parametrize("change", ["new", "changed", "gone"])
def test_a_changed_folder_is_read_again(tmp_path, counted, change):
    for i in range(40):
        grey(tmp_path / f"{i}.png", i)
    quietly(tmp_path, size=8), counted.clear()
    if change == "new":
        grey(tmp_path / "new.png", 99)
    elif change == "changed":
        grey(tmp_path / "3.png", 99, (16, 16))
    else:
        os.remove(tmp_path / "3.png")
    quietly(tmp_path, size=8)
    assert counted and len(list((home() / "data").iterdir())) == 1, "the new one replaces the old one"


def test_sub_folders_are_classes(tmp_path):
    for i in range(8):
        for where, colour in (("Ägypten", RED), ("my cats/2024/june", BLUE)):
            (tmp_path / where).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 7), colour).save(tmp_path / where / f"{i}.png")
    (tmp_path / "texts").mkdir()
    train, test = (load("folder", path=str(tmp_path), size=8, split=s) for s in ("train", "test"))
    assert train.classes == test.classes == ["my cats", "Ägypten"] and len(train) + len(test) == 16
    for x, y in zip(train.x, train.y.tolist(), strict=True):
        assert close(x, BLUE if y == 0 else RED)
    assert train.name == tmp_path.name and train.mirror


def test_without_sub_folders_there_are_no_classes(tmp_path):
    for i in range(3):
        two_tone().save(tmp_path / f"{i}.png")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "readme.md").touch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load("folder", path=tmp_path).y is None


def test_links_are_followed_once(tmp_path):
    for i in range(20):
        grey(tmp_path / "photos" / "cats" / f"{i}.png", i)
        grey(tmp_path / "elsewhere" / f"{i}.png", 100 + i)
    (tmp_path / "photos" / "a loop").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "photos" / "also cats").symlink_to(tmp_path / "photos" / "cats", target_is_directory=True)
    (tmp_path / "photos" / "dogs").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "photos" / "nowhere").symlink_to(tmp_path / "gone")
    images, said = quietly(tmp_path / "photos", size=8)
    assert images.classes == ["cats", "dogs"] and len(images) == 24 and said == ""
    assert len(values(tmp_path / "photos", "test")) == 16


def test_a_folder_that_can_t_be_opened_is_said(tmp_path, monkeypatch):
    for name in ("open", "closed"):
        for i in range(4):
            grey(tmp_path / name / f"{i}.png", i)
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    images, said = quietly(tmp_path, size=8)
    assert len(images) == 2 and "closed (the folder can't be opened: Permission denied)" in said
    with pytest.raises(PermissionError, match="closed: the folder can't be opened: Permission denied"):
        load("folder", path=tmp_path / "closed")


def test_errors_that_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="give path= a folder of pictures"):
        load("folder", path=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="needs pictures .*put some there"):
        load("folder", path=tmp_path)
    with pytest.raises(ValueError, match='path="my/photos"'):
        load("folder")
    (tmp_path / "photos.zip").touch()
    with pytest.raises(NotADirectoryError, match="photos.zip is a file; path= takes the folder"):
        load("folder", path=tmp_path / "photos.zip")

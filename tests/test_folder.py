"""A folder of pictures as people really have them."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from dlimlib.data import folder, load

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
    return folder.read(tmp_path / name, size)


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
    for split in ("train", "test"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            images = load("folder", path=tmp_path, size=16, split=split)
        assert len(images) >= 1
        if split == "train":
            (message,) = (str(w.message) for w in caught)
            # those that the test split tries are listed there
            assert "skipped" in message and "DS_Store" not in message and "good" not in message
    with pytest.warns(UserWarning) as caught:
        skipped = {}
        for name in ("cut.png", "empty.jpg", "notes.txt", "liar.jpg", "bomb.png"):
            assert folder._try(tmp_path / name, 16, skipped) is None
        warnings.warn("done", stacklevel=1)
    assert len(caught) == 1 and len(skipped) == 5 and "bomb" in skipped[tmp_path / "bomb.png"]


def test_splits_are_disjoint_and_stay_as_they_are(tmp_path):
    for i in range(80):
        Image.new("L", (8, 8), i * 3).save(tmp_path / f"{i}.png")
    values = lambda split: set(load("folder", path=tmp_path, size=8, split=split).x[:, 0, 4, 4].tolist())  # noqa: E731
    train, test = values("train"), values("test")
    assert not train & test and train | test == {i * 3 for i in range(80)}
    assert 2 <= len(test) <= 20
    Image.new("L", (8, 8), 254).save(tmp_path / "one more.png")
    assert test <= values("test") and train <= values("train")  # nobody changes sides
    assert len(load("folder", path=tmp_path, size=8, n=5)) == 5


def test_even_two_pictures_make_two_splits(tmp_path):
    for i in range(2):
        two_tone().save(tmp_path / f"{i}.png")
    assert [len(load("folder", path=tmp_path, split=s)) for s in ("train", "test")] == [1, 1]
    os.remove(tmp_path / "1.png")
    with pytest.raises(ValueError, match="two pictures"):
        load("folder", path=tmp_path)


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


def test_errors_that_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="give path= a folder of pictures"):
        load("folder", path=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="needs pictures .*put some there"):
        load("folder", path=tmp_path)
    with pytest.raises(ValueError, match='path="my/photos"'):
        load("folder")

"""Pictures and label pictures of whatever kind, as tensors and arrays of one size."""

import warnings
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, ImageOps

from ..pictures import IGNORE

File = str | Path | IO[bytes]


def read_picture(
    file: File, size: int, *, tiles: int | None = None, upright: bool = True, half: int | None = None
) -> torch.Tensor:
    """Return a picture as uint8 (k, 3, size, size), over white and upright (as its camera noted): its central
    square, k = 1, or all its squares of so many pixels, `tiles`; with half, only of its left half, 0, or its
    right one, 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file) as opened:
            if not tiles:
                wide = 1 if half is None else 2
                opened.draft(None, (2 * size * wide, 2 * size))  # a JPEG is decoded no larger than needed
            image = _eight_bits(ImageOps.exif_transpose(opened) if upright else opened)
            if half is not None:
                middle = image.width // 2
                image = image.crop((half * middle, 0, (half + 1) * middle, image.height))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            cut = _squares(image.convert("RGB"), size, tiles, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).contiguous()


def upright_size(file: File) -> tuple[int, int]:
    """Return width and height of a picture as its camera held it, without decoding it."""
    with Image.open(file) as image:
        return image.size[::-1] if image.getexif().get(0x0112, 1) >= 5 else image.size


def read_labels(
    file: File, size: int | None = None, *, tiles: int | None = None, coloured: bool = False
) -> np.ndarray:
    """Return a label picture, cut as read_picture cuts and shrunk without mixing values, as int64
    (k, size, size), colours as 0xrrggbb; without a size the whole picture (1, H, W)."""
    with Image.open(file) as image:
        if image.format in ("JPEG", "MPO"):
            raise ValueError("JPEG changes the labels; save label pictures as PNG")
        plain = not coloured and image.mode in ("1", "L", "P", "I", "I;16", "I;16B")
        cut = _squares(image if plain else image.convert("RGB"), size, tiles, Image.Resampling.NEAREST)
    values = np.stack(cut).astype(np.int64)
    if plain:
        return values
    if coloured:
        return values @ np.array([0x10000, 0x100, 1])
    if (values != values[..., :1]).any():
        raise ValueError("the labels are colours, and no classes.txt says which one is what")
    return values[..., 0]


def numbers(labels: np.ndarray, table: dict[int, int], coloured: bool = False) -> np.ndarray:
    """Return what the table has for each label, uint8 of the same shape; ValueError for an unknown one."""
    known = np.array(sorted(table))
    at = np.searchsorted(known, labels).clip(max=len(known) - 1)
    if (wrong := known[at] != labels).any():
        shown = f"#{labels[wrong][0]:06x}" if coloured else labels[wrong][0]
        classes = len(set(table.values()) - {IGNORE})
        raise ValueError(f"there is a label {shown}, which is none of the {classes} classes")
    return np.array([table[value] for value in known.tolist()], dtype=np.uint8)[at]


def _squares(image, size, tiles, method):
    """Return the central square, or all of `tiles` pixels in a centred grid, as arrays of size × size."""
    w, h = image.size
    if size is None:
        return [np.asarray(image)]
    if not tiles or min(w, h) < tiles:
        return [np.asarray(ImageOps.fit(image, (size, size), method))]
    left, top = w % tiles // 2, h % tiles // 2
    corners = [(x, y) for y in range(top, h - tiles + 1, tiles) for x in range(left, w - tiles + 1, tiles)]
    # cut first: a resize with box= would look at pixels of the neighbours
    cut = (image.crop((x, y, x + tiles, y + tiles)) for x, y in corners)
    return [np.asarray(square.resize((size, size), method)) for square in cut]


def _eight_bits(image):
    """Return grey pictures of 16 or 32 bits a pixel, which Pillow would clip, scaled to 8."""
    if image.mode == "F":
        x = np.nan_to_num(np.asarray(image))
        return Image.fromarray(((x - x.min()) / max(np.ptp(x), 1e-9) * 255).astype(np.uint8))
    if image.mode.startswith("I"):
        x = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(x.clip(0, 255).round().astype(np.uint8))
    return image

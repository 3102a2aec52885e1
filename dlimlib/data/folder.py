"""Your own pictures: a folder of image files as square RGB pictures of one size."""

import hashlib
import os
import unicodedata
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from .images import Images

TEST_SHARE = 0.1


def load(path, size=64, split="train", n=None):
    """Every picture below path, or the first n, as Images (N, 3, size, size); sub-folders become classes.

    The split of a file depends on its name alone. What can't be read is skipped and listed in one warning.
    """
    if path is None:
        raise ValueError('say where your pictures are: load("folder", path="my/photos")')
    root = Path(path).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root} in {Path.cwd()}; give path= a folder of pictures")
    found, skipped = sorted(files(root), key=lambda f: share(root, f)), {}
    # at least one readable picture for the test, however few there are
    first = next((i for i, f in enumerate(found) if _try(f, size, skipped) is not None), len(found))
    cut = max(sum(share(root, f) < TEST_SHARE for f in found), first + 1)
    chosen = found[cut:] if split == "train" else found[first:cut]
    pictures = ((f, _try(f, size, skipped)) for f in tqdm(chosen, "reading pictures", delay=2))
    pictures = list(islice((p for p in pictures if p[1] is not None), n))
    if skipped:
        listed = [f"{f.relative_to(root)} ({why})" for f, why in sorted(skipped.items())]
        shown = "; ".join(listed[:20] + ([f"and {len(listed) - 20} more"] if len(listed) > 20 else []))
        warnings.warn(f"skipped {len(listed)} of the files in {root}: {shown}", stacklevel=3)
    if not pictures:
        need = "two pictures, one to train and one to test with" if first < len(found) else "pictures"
        raise ValueError(f"{root} needs {need} (JPEG, PNG, GIF, WebP …), also in sub-folders; put some there")

    x = torch.stack([p for _, p in pictures])
    # by their names, those of the other split as well: both are to have the same classes
    endings = Image.registered_extensions()
    likely = {f for f in found if f.suffix.lower() in endings} | {f for f, _ in pictures}
    if all(f.parent == root for f in likely):
        return Images(root.resolve().name, "1", x, mirror=True)
    names = sorted({_label(root, f) for f in likely})
    y = torch.tensor([names.index(_label(root, f)) for f, _ in pictures])
    return Images(root.resolve().name, "1", x, y, names, mirror=True)


def files(root):
    """Every file below root that isn't hidden."""
    for here, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(".")]
        yield from (Path(here, f) for f in names if not f.startswith(".") and Path(here, f).is_file())


def share(root, file):
    """A number in [0, 1) that hangs on the file's name below root, the same on every system."""
    name = unicodedata.normalize("NFC", file.relative_to(root).as_posix())
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6], "big") / 2**48


def _label(root, file):
    """The sub-folder that a picture lies in; the folder's own name for those beside the sub-folders."""
    parts = file.relative_to(root).parts
    return parts[0] if len(parts) > 1 else root.resolve().name


def _try(file, size, skipped):
    """The picture uint8 (3, size, size), or None and a line in skipped."""
    try:
        return read(file, size)
    except Exception as e:  # Pillow's readers raise nearly anything on broken files
        skipped[file] = str(e).replace(repr(str(file)), "").strip()[:100] or type(e).__name__


def read(file, size, *, upright=True):
    """One picture of whatever kind as uint8 (3, size, size): upright (as its camera noted), over white, its
    central square."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file) as image:
            image.draft(None, (2 * size, 2 * size))  # a JPEG is decoded no larger than needed
            image = _eight_bits(ImageOps.exif_transpose(image) if upright else image)
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            image = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _eight_bits(image):
    """Grey pictures of 16 or 32 bits a pixel, which Pillow would clip, scaled to 8."""
    if image.mode == "F":
        x = np.nan_to_num(np.asarray(image))
        return Image.fromarray(((x - x.min()) / max(np.ptp(x), 1e-9) * 255).astype(np.uint8))
    if image.mode.startswith("I"):
        x = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(x.clip(0, 255).round().astype(np.uint8))
    return image

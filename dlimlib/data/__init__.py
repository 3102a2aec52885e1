"""Data sets: dl.data.load(name) gives Images, images.batches(…) endless float batches."""

import os
import tempfile
import warnings
import zipfile
import zlib
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from ..settings import budget, home
from . import digits, faces, folder, idx, pairs, pets
from .images import Batches, Images

__all__ = ["Batches", "Images", "NAMES", "digits", "faces", "load"]

TOYS = {"toy-faces": (faces, 64), "toy-digits": (digits, 28)}
NAMES = (*TOYS, *idx.SETS, "pets", "folder")
SEEDS = {"train": 1, "test": 2}  # no identity is in both


def load(name, *, split="train", size=None, n=None, path=None, device=None):
    """The data set called name as Images: pictures size × size, the first n of the split.

    The toys are drawn here, on the device (by default CUDA where there is one), and kept in the cache; the
    others are downloaded, and "folder" reads your own pictures from path, with their labels where it holds
    images/ and labels/.
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(NAMES)}")
    if split not in SEEDS:
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    if size is not None and size < 1 or n is not None and n < 1:
        raise ValueError(f"size and n must be at least 1, got size={size} and n={n}")
    if path is not None and name != "folder":
        raise ValueError(f'path goes with "folder" only, got path={str(path)!r} for {name!r}')
    if name == "folder":
        return (pairs if pairs.there(path) else folder).load(path, size or 64, split, n)
    if name == "pets":
        return _pets(split, size or 64, n)
    if name in TOYS:
        return _toy(name, split, size, n, device)
    images = idx.load(name, split)[:n]
    return images if size in (None, images.x.shape[-1]) else replace(images, x=resize(images.x, size))


def resize(x, size):
    """Pictures uint8 (N, C, H, W) to (N, C, size, size), antialiased."""
    shape = dict(size=(size, size), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([F.interpolate(p.float(), **shape).round().clamp(0, 255).byte() for p in x.split(1024)])


def _toy(name, split, size, n, device):
    """A procedural data set, from the cache as far as it goes."""
    toy, usual = TOYS[name]
    size = size or usual
    if n is None:
        n = budget(smoke=256, cpu=4_000, gpu=20_000)
        n = n if split == "train" else min(max(n // 4, 256), 2_500)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    path = home() / "data" / f"{name}-v{toy.VERSION}-{size}-{split}.npz"
    have = _read(path, n)
    if len(have.get("x", ())) < n:
        at = len(have.get("x", ()))
        new = _draw(toy, n - at, SEEDS[split], at, size, device)
        have = {k: torch.cat([have[k], new[k]]) if at else new[k] for k in new}
        _write(path, have)
    factors = {k.removeprefix("factor "): have.pop(k) for k in list(have) if k.startswith("factor ")}
    known = {"classes": [str(c) for c in toy.STYLES], "factors": factors or None}
    if toy is faces:
        known |= {"mask_classes": faces.MASK_CLASSES, "mirror": True}
    return Images(name, toy.VERSION, **known, **have)


def _pets(split, size, n):
    """The pets, whose shrunk pictures are kept in the cache."""
    path = home() / "data" / f"pets-v{pets.VERSION}-{size}-{split}.npz"
    have = _read(path, n)
    if not have:
        have = pets.read(split, size)
        _write(path, have)
    x, y, mask = (have[k][:n] for k in ("x", "y", "mask"))
    return Images("pets", pets.VERSION, x, y, pets.BREEDS, mask, pets.MASK_CLASSES, mirror=True)


def _draw(toy, n, seed, start, size, device):
    """The tensors of a toy that are kept: pictures, classes, mask and sketch, and "factor …"."""
    if toy is digits:
        images = digits.render(n, seed=seed, start=start, size=size, device=device, progress=True)
        return {"x": images.x, "y": images.y}
    factors = faces.sample(n, seed=seed, start=start)
    images = faces.render(factors, size, device=device, full=True, progress=True)
    own = {"x": images.x, "y": factors["style"].argmax(1), "mask": images.mask, "sketch": images.sketch}
    return {k: t.cpu() for k, t in own.items()} | {f"factor {k}": t.cpu().float() for k, t in factors.items()}


def _read(path, n):
    """Up to n rows of every tensor in a cache file, {} where there is none; a damaged one counts as none."""
    try:
        with np.load(path) as file:  # it checks a checksum per tensor
            have = {k: torch.from_numpy(file[k][:n]) for k in file.files}
        if len({len(t) for t in have.values()}) == 1 and have["x"].dtype == torch.uint8:
            return have
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    warnings.warn(f"{path} is damaged, so these pictures are drawn again", stacklevel=4)
    return {}


def _write(path, tensors):
    """Keep the tensors in a file that gets its name when it is whole; without a place for it, only warn."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            temporary = file.name
            np.savez(file, **{k: t.numpy() for k, t in tensors.items()})
        os.chmod(temporary, 0o644)  # a teacher may fill a cache for everybody
        os.replace(temporary, path)
    except OSError as e:
        warnings.warn(
            f"these pictures can't be kept in {path.parent} ({e.strerror or e}) and will be drawn again next "
            "time; set DLIM_HOME to a folder where you may write",
            stacklevel=4,
        )
        if temporary and os.path.exists(temporary):
            os.remove(temporary)

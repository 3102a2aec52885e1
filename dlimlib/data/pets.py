"""Cats and dogs with a trimap: the Oxford-IIIT Pet data set (Parkhi, Vedaldi, Zisserman, Jawahar 2012)."""

import io
import os
import tarfile
import warnings

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from ..download import fetch
from ..settings import home
from . import cache
from .decode import numbers, read_labels, read_picture
from .images import Images

VERSION = "1"
ADDRESSES = [
    "https://www.robots.ox.ac.uk/~vgg/data/pets/data/",
    "https://thor.robots.ox.ac.uk/~vgg/data/pets/",
]
SHA256 = {
    "images.tar.gz": "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
    "annotations.tar.gz": "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
}
LISTS = {"train": "trainval.txt", "test": "test.txt"}  # the official split
MASK_CLASSES = ["pet", "background", "border"]  # 1, 2 and 3 in the trimaps; a border pixel may be either
BREEDS = [
    "Abyssinian", "American Bulldog", "American Pit Bull Terrier", "Basset Hound", "Beagle", "Bengal",
    "Birman", "Bombay", "Boxer", "British Shorthair", "Chihuahua", "Egyptian Mau",
    "English Cocker Spaniel", "English Setter", "German Shorthaired", "Great Pyrenees", "Havanese",
    "Japanese Chin", "Keeshond", "Leonberger", "Maine Coon", "Miniature Pinscher", "Newfoundland",
    "Persian", "Pomeranian", "Pug", "Ragdoll", "Russian Blue", "Saint Bernard", "Samoyed",
    "Scottish Terrier", "Shiba Inu", "Siamese", "Sphynx", "Staffordshire Bull Terrier",
    "Wheaten Terrier", "Yorkshire Terrier",
]  # fmt: skip


def load(split: str, size: int | None, n: int | None) -> Images:
    """Return the first n pets of a split as Images (N, 3, size, size), 64 by default, with their trimaps."""
    size = size or 64
    path = home() / "data" / f"pets-v{VERSION}-{size}-{split}.safetensors"
    have, _ = cache.kept(path, lambda: (read(split, size), {}), n=n)
    return Images("pets", VERSION, have["x"], have["y"], BREEDS, have["mask"], MASK_CLASSES, mirror=True)


def read(split: str, size: int) -> dict[str, torch.Tensor]:
    """Return a split's central squares as {"x", "y", "mask"}, y being the breed; downloads 0.8 GB once."""
    paths = {file: fetch(f"oxford-iiit-pet/{file}", [a + file for a in ADDRESSES], sha256)
             for file, sha256 in SHA256.items()}  # fmt: skip
    with tarfile.open(paths["annotations.tar.gz"]) as tar:
        lines = tar.extractfile(f"annotations/{LISTS[split]}").read().decode().splitlines()  # type: ignore[union-attr]
        breed = {words[0]: int(words[1]) - 1 for words in map(str.split, lines) if words}
        masks = _each(tar, "annotations/trimaps", breed, lambda file: read_labels(file, size)[0])
    with tarfile.open(paths["images.tar.gz"]) as tar:
        # the trimaps were drawn over the pixels as they are stored
        x = _each(tar, "images", breed, lambda file: read_picture(file, size, upright=False)[0])
    names = [name for name in breed if name in x and name in masks]
    if lost := sorted(breed.keys() - names):
        warnings.warn(f"{len(lost)} of the pets can't be read: {', '.join(lost[:10])}", stacklevel=4)
    return {
        "x": torch.stack([x[name] for name in names]),
        "y": torch.tensor([breed[name] for name in names]),
        "mask": torch.from_numpy(np.stack([numbers(masks[name], {1: 0, 2: 1, 3: 2}) for name in names])),
    }


def _each(tar, folder, wanted, look):
    """Return what look makes of each wanted file in the archive's folder, by name; leave out broken ones."""
    found = {}
    with tqdm(total=len(wanted), desc=f"reading {folder}", delay=2) as bar:
        for member in tar:
            here, name = os.path.split(os.path.splitext(member.name)[0])
            if here == folder and name in wanted and member.isfile():
                bar.update()
                try:
                    found[name] = look(io.BytesIO(tar.extractfile(member).read()))
                except (OSError, ValueError, Image.DecompressionBombError):
                    continue
    return found

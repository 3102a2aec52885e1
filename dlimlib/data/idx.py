"""MNIST and its relatives: where they are, and their IDX format."""

import gzip
import math
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F

from ..download import fetch
from .images import Images

KMNIST = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
FASHION = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
]
MNIST = [
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
]
# name -> addresses, classes, SHA-256 of the files as {split: (images, labels)}; those of MNIST are of the
# uncompressed bytes, because it is often compressed anew
SETS = {
    "mnist": (MNIST, [str(d) for d in range(10)], {
        "train": ("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                  "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        "test": ("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                 "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    }),
    "fashion-mnist": (FASHION, ["T-shirt", "trousers", "pullover", "dress", "coat",
                                "sandal", "shirt", "sneaker", "bag", "ankle boot"], {
        "train": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                  "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "test": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                 "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    }),
    "kmnist": (KMNIST, ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"], {
        "train": ("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                  "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        "test": ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                 "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    }),
}  # fmt: skip


def load(name: str, split: str, size: int | None, n: int | None) -> Images:
    """Return the first n pictures of one of the SETS as Images (N, 1, size, size), 28 by default."""
    addresses, classes, hashes = SETS[name]
    begin = {"train": "train", "test": "t10k"}[split]
    parts = []
    for kind, sha256 in zip(("images-idx3", "labels-idx1"), hashes[split], strict=True):
        file = f"{begin}-{kind}-ubyte.gz"
        path = fetch(f"{name}/{file}", [a + file for a in addresses], sha256, unzip=name == "mnist")
        parts.append(read(path, dims=int(kind[-1]))[:n])
    x = parts[0][:, None]
    x = x if size in (None, x.shape[-1]) else resize(x, size)
    return Images(name, "1", x, parts[1].long(), classes)


def resize(x: torch.Tensor, size: int) -> torch.Tensor:
    """Return pictures uint8 (N, C, H, W) as (N, C, size, size), antialiased."""
    small = x.new_empty(*x.shape[:2], size, size)
    for part, out in zip(x.split(256), small.split(256), strict=True):  # floats take four times the memory
        y = F.interpolate(part.float(), (size, size), mode="bicubic", antialias=True, align_corners=False)
        out.copy_(y.round_().clamp_(0, 255))
    return small


def read(path: str | Path, dims: int) -> torch.Tensor:
    """Return an IDX file's bytes, gzipped or not, as uint8 of so many dimensions; ValueError if broken."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as e:
            raise ValueError(f"{path} is cut off or damaged: {e}") from None
    head = 4 + 4 * dims
    if data[:4] != bytes([0, 0, 8, dims]) or len(data) < head:
        raise ValueError(f"{path} is no IDX file of bytes in {dims} dimensions, it begins {data[:4].hex()!r}")
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4)]
    if len(data) != head + math.prod(shape):
        raise ValueError(f"{path} should hold {math.prod(shape)} bytes, {shape}, but has {len(data) - head}")
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[head:].view(shape)

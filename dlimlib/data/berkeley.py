"""Pictures of two kinds, in pairs or not, from the archives of CycleGAN (Zhu, Park, Isola, Efros 2017)."""

import io
import warnings
import zipfile
from pathlib import PurePosixPath

import torch
from tqdm.auto import tqdm

from ..download import fetch
from ..settings import home
from . import cache
from .decode import read_picture
from .images import Images

VERSION = "1"
ADDRESS = "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/"
SHA256 = {
    "facades": "9a31ebf3a31b9b5cd195dd5bf62e9308e00cb94604d1019e3889ac84248695c0",
    "maps": "639534f69dbf9f36bef8d6292a7698006361221f83f0285d7c9ca78afe6e8a9e",
    "horse2zebra": "a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
    "apple2orange": "845a191e9af8926408ea597001cd03a452e3300a1f44a79fe329b3d59f6e3eb8",
    "summer2winter_yosemite": "167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9",
}
# name -> archive, and its sides: A alone, B alone, or both in pairs
SETS = {
    "facades": ("facades", "AB"),
    "maps": ("maps", "AB"),
    "horses": ("horse2zebra", "A"),
    "zebras": ("horse2zebra", "B"),
    "apples": ("apple2orange", "A"),
    "oranges": ("apple2orange", "B"),
    "summer": ("summer2winter_yosemite", "A"),
    "winter": ("summer2winter_yosemite", "B"),
}


def load(name: str, split: str, size: int | None, n: int | None) -> Images:
    """Return the first n pictures of a split as Images (N, 3, size, size), 64 by default; of "facades" and
    "maps" the photographs, with the label pictures or maps of the same places as the field "target"."""
    archive, which = SETS[name]
    size = size or 64
    path = home() / "data" / f"{name}-v{VERSION}-{size}-{split}.safetensors"
    have, _ = cache.kept(path, lambda: (read(archive, which, split, size), {}), n=n)
    extra = {"target": have["B"]} if len(which) == 2 else None
    return Images(name, VERSION, have[which[0]], mirror=True, extra=extra)


def read(archive: str, which: str, split: str, size: int) -> dict[str, torch.Tensor]:
    """Return the central squares of a split's pictures by side, "A" and "B", in pairs where both are asked
    for; downloads the archive once."""
    path = fetch(f"cyclegan/{archive}.zip", [f"{ADDRESS}{archive}.zip"], sha256=SHA256[archive])
    found: dict[str, dict[str, torch.Tensor]] = {side: {} for side in which}
    broken = []
    with zipfile.ZipFile(path) as whole:
        folders = {f"{archive}/{split}{side}": side for side in which}
        files = [file for file in map(PurePosixPath, sorted(whole.namelist())) if file.suffix == ".jpg"]
        files = [file for file in files if str(file.parent) in folders]
        for file in tqdm(files, f"reading {archive}", delay=2):
            side = folders[str(file.parent)]
            try:
                picture = read_picture(io.BytesIO(whole.read(str(file))), size)[0]
            except (OSError, ValueError, zipfile.BadZipFile) as e:
                broken.append(f"{file}: {e}")
                continue
            found[side][file.stem.removesuffix(f"_{side}")] = picture
    if broken:
        warnings.warn(f"{len(broken)} pictures can't be read: {'; '.join(broken[:5])}", stacklevel=4)
    common = sorted(set.intersection(*map(set, found.values())))
    return {side: torch.stack([pictures[stem] for stem in common]) for side, pictures in found.items()}

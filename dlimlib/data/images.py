"""A set of pictures in memory, and the endless shuffled batches made from it without worker processes."""

import hashlib
from dataclasses import dataclass, fields, replace

import torch

from ..pictures import also_range


@dataclass(repr=False, eq=False)
class Images:
    """Pictures x, uint8 (N, C, H, W), with whatever is known about them; every tensor begins with N."""

    name: str
    version: str
    x: torch.Tensor
    y: torch.Tensor | None = None  # int64 (N,), the class
    classes: list | None = None  # the names of the classes
    mask: torch.Tensor | None = None  # uint8 (N, H, W), the class of each pixel
    mask_classes: list | None = None  # the names of those classes
    sketch: torch.Tensor | None = None  # uint8 (N, 1, H, W)
    depth: torch.Tensor | None = None  # float (N, H, W)
    factors: dict | None = None  # name -> float (N, ...), what a procedural picture was drawn from
    mirror: bool = False  # whether the picture's mirror image could be in the set as well

    def __post_init__(self):
        if self.x.dtype != torch.uint8 or self.x.dim() != 4:
            raise ValueError(f"x must be uint8 (N, C, H, W), got {self.x.dtype} {tuple(self.x.shape)}")
        for name, t in self._tensors().items():
            if len(t) != len(self.x):
                raise ValueError(f"{name} must have one row per picture, {len(self.x)}, got {len(t)}")

    def _tensors(self):
        """Every tensor by name: the fields, then the factors."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        own = {k: t for k, t in own.items() if isinstance(t, torch.Tensor)}
        return own | {k: t for k, t in (self.factors or {}).items() if k not in own}

    def __len__(self):
        return len(self.x)

    def __repr__(self):
        extras = [f"{len(self.classes)} classes"] if self.classes else []
        mask = f"mask of {len(self.mask_classes)} classes" if self.mask_classes else "mask"
        shown = {"mask": mask, "sketch": "sketch", "depth": "depth"}
        extras += [text for k, text in shown.items() if getattr(self, k) is not None]
        extras += [f"{len(self.factors)} factors"] if self.factors else []
        shape = " × ".join(map(str, self.x.shape))
        return f"Images({', '.join([f'{self.name} v{self.version}', shape, *extras])})"

    def __getitem__(self, index):
        """The pictures at an integer, slice, list, LongTensor or bool mask, always as Images."""
        if not isinstance(index, slice):
            index = torch.as_tensor(index, device=self.x.device)
            index = index if index.dtype == torch.bool else index.long().view(-1)
            outside = index[(index < -len(self)) | (index >= len(self))] if index.dtype == torch.long else []
            if len(outside):
                raise IndexError(f"there are {len(self)} pictures, no number {outside[0].item()}")
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        own = {k: t[index] for k, t in own.items() if isinstance(t, torch.Tensor)}
        factors = self.factors and {k: t[index] for k, t in self.factors.items()}
        return replace(self, factors=factors, **own)

    @also_range
    def float(self, index=None, *, device="cpu", value_range=(-1, 1)):
        """All pictures, or those at index, as float (N, C, H, W) in value_range, channels_last."""
        x = (self if index is None else self[index]).x
        return to_float(x.to(device), value_range).contiguous(memory_format=torch.channels_last)

    @also_range
    def batches(self, batch_size, device="cpu", *, value_range=(-1, 1), fields=("x", "y"), flip=None, seed=0):
        """Endless shuffled Batches on the device; flip=None mirrors at random where that makes sense."""
        return Batches(self, batch_size, device, value_range=value_range, fields=fields, flip=flip, seed=seed)


def to_float(x, value_range=(-1, 1)):
    """uint8 -> float in value_range; 0 and 255 become its two ends."""
    lo, hi = value_range
    return x.float().div_(255 / (hi - lo)).add_(lo)


class Batches:
    """Endless iterator over tuples of the fields: float x, sketch, factors; int64 y (0 when unknown), mask.

    Every epoch is a permutation drawn from a generator of its own; a batch may reach into the next epoch.
    """

    def __init__(self, images, batch_size, device, *, value_range, fields, flip, seed):
        if batch_size < 1 or not len(images):
            raise ValueError(f"need a batch size and pictures, got {batch_size} and {len(images)}")
        fields = (fields,) if isinstance(fields, str) else tuple(fields)
        have = images._tensors() | ({} if images.y is not None else {"y": torch.zeros(len(images)).long()})
        if missing := [f for f in fields if f not in have]:
            raise ValueError(f"{images.name} has no {', '.join(missing)}; its fields are {', '.join(have)}")
        if fields[:1] != ("x",):
            raise ValueError(f'fields must begin with "x", got {fields}')
        factors = [f for f in fields if f in (images.factors or {})]
        if flip and factors:
            raise ValueError(f"a mirrored picture would not fit its {', '.join(factors)}: leave flip out")
        self.images, self.batch_size, self.device = images, batch_size, torch.device(device)
        self.value_range, self.fields, self.seed = tuple(map(float, value_range)), fields, seed
        self.flip = images.mirror and not factors if flip is None else bool(flip)
        self._fingerprint = None
        # the channel lies last in memory, so that the rows an index picks are already channels_last
        tensors = {f: have[f] for f in fields} | {"x": images.x.permute(0, 2, 3, 1).contiguous()}
        keep = self.device if fits(sum(t.nbytes for t in tensors.values()), self.device) else "cpu"
        self._tensors = {f: t.to(keep) for f, t in tensors.items()}
        self._generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self):
        """Draw the next epoch: an order and who is mirrored, sent to the device once, not at every step."""
        self._drawn_from, self._at = self._generator.get_state(), 0
        where, n = self._tensors["x"].device, len(self.images)
        self._order = torch.randperm(n, generator=self._generator).to(where)
        if self.flip:
            self._mirrored = torch.randint(2, (n,), generator=self._generator).bool().to(where)

    def __iter__(self):
        return self

    def __next__(self):
        parts, need = [], self.batch_size
        while need:
            if self._at == len(self.images):
                self._shuffle()
            part = slice(self._at, self._at + need)
            parts.append((self._order[part], self._mirrored[part] if self.flip else None))
            self._at += len(parts[-1][0])
            need -= len(parts[-1][0])
        index, mirrored = parts[0]
        if len(parts) > 1:
            index = torch.cat([p[0] for p in parts])
            mirrored = torch.cat([p[1] for p in parts]) if self.flip else None
        return tuple(self._pick(f, index, mirrored) for f in self.fields)

    def _pick(self, field, index, mirrored):
        t = self._tensors[field].index_select(0, index)
        t = t.permute(0, 3, 1, 2) if field == "x" else t
        if mirrored is not None and field in ("x", "mask", "sketch", "depth"):
            t = torch.where(mirrored.view(-1, *[1] * (t.dim() - 1)), t.flip(-1), t)
        t = t.to(self.device, non_blocking=True)
        if field in ("x", "sketch"):
            return to_float(t, self.value_range)
        return t.long() if field in ("y", "mask") else t

    def state_dict(self):
        """Where the data order stands; batches made alike go on from here with the very same batches."""
        return {"generator": self._drawn_from.clone(), "at": self._at}

    def load_state_dict(self, state):
        """Go on from what state_dict() returned."""
        self._generator.set_state(state["generator"].cpu())
        self._shuffle()
        self._at = int(state["at"])

    def fingerprint(self):
        """One line that differs when the data, or the way in which it is batched, does."""
        if self._fingerprint is None:
            digest = hashlib.blake2b(digest_size=8)
            for t in self._tensors.values():
                digest.update(t.cpu().contiguous().numpy())
            shape = "x".join(map(str, self.images.x.shape))
            made = f"batch={self.batch_size} fields={','.join(self.fields)} range={self.value_range}"
            self._fingerprint = (
                f"{self.images.name} v{self.images.version} {shape} {made} flip={self.flip} seed={self.seed} "
                f"{digest.hexdigest()}"
            )
        return self._fingerprint


def fits(nbytes, device):
    """Whether so many bytes of pictures leave at least half of the device's free memory to the networks."""
    return torch.device(device).type != "cuda" or nbytes < torch.cuda.mem_get_info(device)[0] / 2

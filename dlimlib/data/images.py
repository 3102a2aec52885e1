"""A set of pictures, or of what a network made of them, in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from ..pictures import also_range
from .batches import Batches, Device, Range, to_float

ROLES = {"x": "picture", "y": "class", "mask": "labels", "sketch": "picture", "depth": "map"}


@dataclass(repr=False, eq=False)
class Images:
    """Pictures x with whatever is known about them, or anything else that has one row for each of N things.

    `extra` holds further fields by name, whose type says what a batch makes of them:
    uint8 (N, C, H, W): a picture, given as float in value_range and mirrored;
    uint8 or int64 (N, H, W): labels or a map of codes, given as int64 and mirrored with the picture;
    int64 (N,): a class; all others, and the factors: values, which no mirror image would fit.
    """

    name: str
    version: str
    x: torch.Tensor | None = None  # uint8 (N, C, H, W)
    y: torch.Tensor | None = None  # int64 (N,), the class
    classes: list | None = None  # the names of the classes
    mask: torch.Tensor | None = None  # uint8 (N, H, W), the class of each pixel; 255 where none counts
    mask_classes: list | None = None  # the names of those classes
    sketch: torch.Tensor | None = None  # uint8 (N, 1, H, W)
    depth: torch.Tensor | None = None  # float (N, 1, H, W), mirrored with the picture
    factors: dict | None = None  # name -> (N, …), what a procedural picture was drawn from
    mirror: bool = False  # whether the picture's mirror image could be in the set as well
    extra: dict | None = None  # name -> (N, …): a target picture, a map of codes, a latent vector

    def __post_init__(self) -> None:
        if self.x is not None and (self.x.dtype != torch.uint8 or self.x.dim() != 4):
            raise ValueError(f"x must be uint8 (N, C, H, W), got {self.x.dtype} {tuple(self.x.shape)}")
        if taken := ROLES.keys() & {**(self.factors or {}), **(self.extra or {})}:
            raise ValueError(f"extra fields and factors need other names than {', '.join(taken)}")
        tensors = self.tensors()
        if not tensors:
            raise ValueError(f"{self.name} is empty: give it pictures x, or a tensor in extra")
        for name, t in tensors.items():
            if len(t) != len(self):
                raise ValueError(f"{name} must have one row per picture, {len(self)}, got {len(t)}")

    def _own(self):
        return {f: t for f in ROLES if (t := getattr(self, f)) is not None}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return every tensor (N, …) that is there by name: x, y, mask, sketch, depth, factors, extra."""
        return {**self._own(), **(self.factors or {}), **(self.extra or {})}

    def role(self, field: str) -> str:
        """Return what a batch makes of a field: "picture", "labels", "class", "map" (floats) or "values"."""
        t = (self.extra or {}).get(field)
        if field in ROLES or t is None:
            return ROLES.get(field, "values")
        kind = t.dtype, t.dim()
        if kind == (torch.uint8, 4):
            return "picture"
        if kind in ((torch.uint8, 3), (torch.int64, 3)):
            return "labels"
        return "class" if kind == (torch.int64, 1) else "values"

    def __len__(self) -> int:
        return len(self.x if self.x is not None else next(iter(self.tensors().values())))

    def __repr__(self) -> str:
        extras = [f"{len(self.classes)} classes"] if self.classes else []
        if self.mask is not None:
            extras += [f"mask of {len(self.mask_classes)} classes" if self.mask_classes else "mask"]
        extras += [name for name in ("sketch", "depth") if getattr(self, name) is not None]
        extras += list(self.extra or {})
        extras += [f"{len(self.factors)} factors"] if self.factors else []
        shape = " × ".join(map(str, self.x.shape)) if self.x is not None else str(len(self))
        return f"Images({', '.join([f'{self.name} v{self.version}', shape, *extras])})"

    def _index(self, index):
        """Return what picks the same rows of every tensor; IndexError where there is no such row."""
        if isinstance(index, slice):
            return index
        index = index.cpu() if isinstance(index, torch.Tensor) else index
        return torch.arange(len(self))[index].view(-1)

    def __getitem__(self, index: Any) -> Images:
        """Return the rows at an integer, slice, list, LongTensor or bool mask (N,), always as Images."""
        index = self._index(index)
        pick = lambda tensors: tensors and {k: t[index] for k, t in tensors.items()}  # noqa: E731
        return dataclasses.replace(
            self, factors=pick(self.factors), extra=pick(self.extra), **pick(self._own())
        )

    @also_range
    def float(
        self, index: Any = None, *, field: str = "x", device: Device = "cpu", value_range: Range = (-1, 1)
    ) -> torch.Tensor:
        """Return the pictures of a field, all or those at index, as float (N, C, H, W) in value_range,
        channels_last."""
        x = self.tensors().get(field)
        if x is None or self.role(field) != "picture":
            have = ", ".join(self.tensors())
            raise ValueError(f"{self.name} has no pictures {field!r}; its fields are {have}")
        x = x if index is None else x[self._index(index)]
        return to_float(x.to(device).contiguous(memory_format=torch.channels_last), value_range)

    @also_range
    def batches(
        self,
        batch_size: int,
        device: Device = "cpu",
        *,
        value_range: Range = (-1, 1),
        fields: str | Iterable[str] = ("x", "y"),
        flip: bool | None = None,
        seed: int = 0,
    ) -> Batches:
        """Return endless shuffled Batches of the fields (B, …); flip=None mirrors where that makes sense."""
        return Batches(self, batch_size, device, value_range=value_range, fields=fields, flip=flip, seed=seed)


def paired(a: Images, b: Images) -> Images:
    """Return a, with the picture of b in the same row as its field "target" (N, C, H, W), mirrored together;
    ValueError unless both have pictures, equally many."""
    if a.x is None or b.x is None or len(a) != len(b):
        raise ValueError(f"a pair needs a picture of each, got {a} and {b}")
    name, extra = f"{a.name} to {b.name}", {**(a.extra or {}), "target": b.x}
    return dataclasses.replace(a, name=name, extra=extra, mirror=a.mirror and b.mirror)


@torch.no_grad()
def in_batches(
    f: Callable[..., Any], x: torch.Tensor | Images, size: int = 256, *, device: Any = None
) -> Any:
    """Return f(x) without gradients, worked out for at most `size` rows at a time, as the memory may need.

    x is a tensor (N, …), or Images, whose pictures come as float in [-1, 1]; each piece is moved to the
    device. f returns a tensor with as many rows as it was given, or a tuple of such; so does in_batches.
    """
    pieces = (x[i : i + size] for i in range(0, max(len(x), 1), size))
    parts = [
        f(p.float(device=device or "cpu") if isinstance(p, Images) else p.to(device=device)) for p in pieces
    ]
    if isinstance(parts[0], (tuple, list)):
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))
    return torch.cat(parts)

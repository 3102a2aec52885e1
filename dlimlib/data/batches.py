"""Endless shuffled batches of what lies in memory, made on the device without worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from .images import Images

Range = tuple[float, float]  # what 0 and 255 become
Device = torch.device | str


class Batches:
    """Endless iterator over tuples of the fields, on the device: pictures as float (B, C, H, W) in
    value_range, channels_last; labels (B, H, W) and classes (B,) as int64, y being 0 when it is unknown;
    values as they are.

    Every epoch is a permutation drawn from a generator of its own; a batch may reach into the next epoch.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        device: Device,
        *,
        value_range: Range,
        fields: str | Iterable[str],
        flip: bool | None,
        seed: int,
    ) -> None:
        if batch_size < 1 or not len(images):
            raise ValueError(f"need a batch size and pictures, got {batch_size} and {len(images)}")
        self.images, self.batch_size, self.device = images, batch_size, torch.device(device)
        self.value_range = tuple(map(float, value_range))
        self.fields = (fields,) if isinstance(fields, str) else tuple(fields)
        have = images.tensors() | ({} if images.y is not None else {"y": torch.zeros(len(images)).long()})
        if (missing := [f for f in self.fields if f not in have]) or not self.fields:
            lacks = ", ".join(missing) or "field without a name"
            raise ValueError(f"{images.name} has no {lacks}; its fields are {', '.join(have)}")
        self._roles = {f: images.role(f) for f in self.fields}
        values = [f for f, role in self._roles.items() if role == "values"]
        if flip and values:
            raise ValueError(f"a mirrored picture would not fit its {', '.join(values)}: leave flip out")
        self.flip = images.mirror and not values if flip is None else bool(flip)
        # the channel lies last in memory, so that the rows an index picks are already channels_last
        last = {f: have[f].permute(0, 2, 3, 1).contiguous() for f in have if self._roles.get(f) == "picture"}
        tensors = {f: last.get(f, have[f]) for f in self.fields}
        keep = self.device if fits(sum(t.nbytes for t in tensors.values()), self.device) else "cpu"
        self._tensors = {f: t.to(keep) for f, t in tensors.items()}
        self._generator = torch.Generator()
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin anew, in the order that belongs to this seed."""
        self.seed = seed
        self._generator.manual_seed(seed)
        self._shuffle()

    def _shuffle(self):
        """Draw the next epoch: an order and who is mirrored, sent to the device once, not at every step."""
        self._drawn_from, self._at = self._generator.get_state(), 0
        n = len(self.images)
        rows = [torch.randperm(n, generator=self._generator)]
        if self.flip:
            rows.append(torch.randint(2, (n,), generator=self._generator))
        self._order = torch.stack(rows).to(self._tensors[self.fields[0]].device)

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> tuple[torch.Tensor, ...]:
        parts: list[torch.Tensor] = []
        need = self.batch_size
        while need:
            if self._at == len(self.images):
                self._shuffle()
            parts.append(self._order[:, self._at : self._at + need])
            self._at += parts[-1].shape[1]
            need -= parts[-1].shape[1]
        order = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        mirrored = order[1].bool() if self.flip else None
        return tuple(self._pick(f, order[0], mirrored) for f in self.fields)

    def _pick(self, field, index, mirrored):
        role, t = self._roles[field], self._tensors[field].index_select(0, index)
        t = t.permute(0, 3, 1, 2) if role == "picture" else t
        if mirrored is not None and role in ("picture", "labels", "map"):
            t = torch.where(mirrored.view(-1, *[1] * (t.dim() - 1)), t.flip(-1), t)
        t = t.to(self.device, non_blocking=True)
        if role == "picture":
            return to_float(t, self.value_range)
        return t.long() if role == "labels" else t

    def state_dict(self) -> dict[str, Any]:
        """Return where the data order stands; batches made alike go on from here with the very same ones."""
        return {"generator": self._drawn_from.clone(), "at": self._at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what state_dict() returned."""
        self._generator.set_state(state["generator"].cpu())
        self._shuffle()
        self._at = int(state["at"])

    @cached_property
    def _digest(self):
        digest = hashlib.blake2b(digest_size=8)
        for t in self._tensors.values():
            digest.update(t.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return a line that differs when the data, or the way in which it is batched, does."""
        first = self.images.x if self.images.x is not None else self._tensors[self.fields[0]]
        shape, fields = "x".join(map(str, first.shape)), ",".join(self.fields)
        return (
            f"{self.images.name} v{self.images.version} {shape} batch={self.batch_size} fields={fields} "
            f"range={self.value_range} flip={self.flip} seed={self.seed} {self._digest}"
        )


class Unpaired:
    """Endless independent batches of two sets, the fields (B, …) of a and then those of b, that resume to
    the bit:

        for x_A, x_B in unpaired(apples.batches(8, fields="x"), oranges.batches(8, fields="x")):

    Where both have the same seed, b begins anew with the next one.
    """

    def __init__(self, a: Batches, b: Batches) -> None:
        if a is b:
            raise ValueError("a and b are the same batches; make them from two calls of .batches(…)")
        if a.seed == b.seed:  # sets of one length would be shuffled alike, and so be paired in secret
            b.restart(b.seed + 1)
        self.a, self.b = a, b

    def __iter__(self) -> Unpaired:
        return self

    def __next__(self) -> tuple[torch.Tensor, ...]:
        return (*next(self.a), *next(self.b))

    def state_dict(self) -> dict[str, Any]:
        """Return where both orders stand."""
        return {"a": self.a.state_dict(), "b": self.b.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what state_dict() returned."""
        self.a.load_state_dict(state["a"])
        self.b.load_state_dict(state["b"])

    def fingerprint(self) -> str:
        """Return a line that differs when the data of one side, or the way in which it is batched, does."""
        return f"{self.a.fingerprint()} | {self.b.fingerprint()}"


def to_float(x: torch.Tensor, value_range: Range = (-1, 1)) -> torch.Tensor:
    """Return uint8 (…) as float (…) in value_range, in the same memory format; 255 becomes its upper end."""
    lo, hi = value_range
    return x.float().div_(255 / (hi - lo)).add_(lo)


def fits(nbytes: int, device: Device) -> bool:
    """Return whether so many bytes leave at least half of the device's free memory to the networks."""
    return torch.device(device).type != "cuda" or nbytes < torch.cuda.mem_get_info(device)[0] / 2

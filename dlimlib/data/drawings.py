"""Twenty faces drawn by hand with a pointer, as strokes: what a network for sketches meets in life."""

import json
from typing import Any

import torch

from ..pictures import ink
from ..settings import stored
from .images import Images


def strokes() -> list[list[dict[str, Any]]]:
    """Return the strokes of each drawing, as `pictures.ink` and `explore.draw` take them."""
    path = stored("drawings/faces.json")
    if path is None:
        raise FileNotFoundError("drawings/faces.json is missing: install the course's package anew")
    return [drawing["strokes"] for drawing in json.loads(path.read_text(encoding="utf-8"))["drawings"]]


def load(split: str, size: int | None, n: int | None) -> Images:
    """Return the first n drawings as Images (N, 1, size, size), 64 by default, ink 0 on white 255."""
    if split != "test":
        raise ValueError('the drawings are there to test with: load("drawings", split="test")')
    sheets = [torch.from_numpy(ink(each, size or 64)) for each in strokes()[:n]]
    return Images("drawings", "1", torch.stack(sheets), mirror=True)

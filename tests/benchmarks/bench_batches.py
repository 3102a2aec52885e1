"""Batches against a DataLoader over a TensorDataset."""

import time

import torch
from torch.utils.data import DataLoader, TensorDataset

from dlimlib.data import Images


def seconds(batches, steps):
    """Seconds for so many batches of an endless iterator."""
    begun = time.perf_counter()
    for _ in range(steps):
        next(batches)
    return time.perf_counter() - begun


def endless(loader):
    while True:
        yield from loader


def rows():
    """Each side's best of seven runs that take turns, in seconds a picture."""
    torch.set_num_threads(1)
    for name, shape, size in (("28 x 28 grey", (1, 28, 28), 64), ("64 x 64 RGB", (3, 64, 64), 64)):
        x = torch.randint(256, (4_096, *shape), dtype=torch.uint8)
        images = Images("random", "1", x, torch.randint(10, (len(x),)))
        ours = images.batches(size)
        loader = endless(DataLoader(TensorDataset(images.float(), images.y), size, shuffle=True))
        times = [(seconds(ours, 128), seconds(loader, 128)) for _ in range(7)]
        best = [min(t) / (128 * size) for t in zip(*times, strict=True)]
        yield f"batches of {size}, {name}", *best, "<= 0.5" if shape[0] == 1 else True

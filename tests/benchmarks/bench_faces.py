"""Drawing faces, beside the renderer of an earlier commit."""

from functools import partial

import torch

from dlimlib.data import faces

from . import before


def rows():
    """Seconds a face; the bar leaves room for what two runs of one renderer differ by."""
    torch.set_num_threads(1)
    with before.module("data.faces") as old:
        for size, n in ((64, 64), (128, 16)):
            jobs = [m and partial(m.render, m.sample(n), size) for m in (faces, old)]
            ours, baseline = before.in_turn(*jobs)
            yield f"toy-faces at {size}, s a face", ours / n, baseline and baseline / n, "<= 1.1"

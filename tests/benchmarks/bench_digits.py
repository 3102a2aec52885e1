"""Drawing digits, beside the renderer of an earlier commit."""

from functools import partial

import torch

from dlimlib.data import digits

from . import before

N = 512


def rows():
    """Seconds a digit; the bar leaves room for what two runs of one renderer differ by."""
    torch.set_num_threads(1)
    with before.module("data.digits") as old:
        jobs = [m and partial(m.render, N, seed=1) for m in (digits, old)]
        ours, baseline = before.in_turn(*jobs)
    yield "a toy digit, 28 x 28, s", ours / N, baseline and baseline / N, "<= 1.1"

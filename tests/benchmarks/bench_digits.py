"""Drawing digits, against a prototype in $DLIM_PROTOTYPES, else against the stated 0.4 ms of one."""

import importlib.util
import os
import time

import torch

from dlimlib.data import digits

N = 512


def prototype():
    """The prototype's module, or None."""
    path = os.path.join(os.environ.get("DLIM_PROTOTYPES", ""), "digits.py")
    if not os.path.isfile(path):
        return None
    spec = importlib.util.spec_from_file_location("prototype_digits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seconds(draw):
    begun = time.perf_counter()
    draw()
    return time.perf_counter() - begun


def rows():
    """Each side's best of five runs that take turns, in seconds a digit."""
    torch.set_num_threads(1)
    old, generator = prototype(), torch.Generator().manual_seed(0)
    times = []
    for _ in range(5):
        stated = 0.4e-3 * N
        times.append((
            seconds(lambda: digits.render(N, seed=1)),
            seconds(lambda: old.digits(N, generator)) if old else stated,
        ))  # fmt: skip
    ours, baseline = (min(t) / N for t in zip(*times, strict=True))
    yield f"a toy digit, 28 x 28{'' if old else ' (baseline as stated)'}", ours, baseline, "<= 1"

"""The procedural faces against a fixed piece of the same kind of work.

The yardstick is what the depth of a face would cost without paint and light: BLOBS ellipsoids at every pixel
of the doubled picture, each two matrix products, a root and a maximum, eight 64-pixel faces at a time. The
first draft of the renderer took DRAFT yardsticks a face; the renderer should not take more.
"""

import time

import torch

from dlimlib.data import faces

BLOBS = 25
DRAFT = {64: 9.4, 128: 7.7}


def yardstick(n, size):
    """Evaluate BLOBS ellipsoids for each of n faces."""
    chunk = max(1, 8 * 64**2 // size**2)
    basis, table = torch.rand(6, (2 * size) ** 2), torch.rand(chunk, BLOBS, 9)
    for _ in range(n // chunk):
        depth = torch.zeros(chunk, (2 * size) ** 2)
        for row in table.unbind(1):
            z, q = row[:, :3] @ basis[3:], row[:, 3:] @ basis
            z += q.clamp(min=1e-9).sqrt_()
            depth = torch.maximum(depth, z.addcmul_(q.clamp_(max=0), row[:, :1]))


def interleaved(*jobs, rounds=5):
    """The shortest processor time of each job, all of them taken in turn."""
    best = [float("inf")] * len(jobs)
    for _ in range(rounds):
        for i, job in enumerate(jobs):
            start = time.process_time()
            job()
            best[i] = min(best[i], time.process_time() - start)
    return best


def rows():
    torch.set_num_threads(1)
    for size, n in ((64, 64), (128, 16)):
        factors = faces.sample(n, seed=0)
        ours, plain = interleaved(
            lambda f=factors, s=size: faces.render(f, s), lambda n=n, s=size: yardstick(n, s)
        )
        yield f"toy-faces at {size}, s a face", ours / n, plain / n * DRAFT[size], "<= 1.0"

"""Images and Batches: indexing, the data order, flips and the conversion to float."""

import io

import pytest
import torch

from dlimlib.data import Images, images


def numbered(n=10, **more):
    """Pictures 4 × 6 that all differ, with the number of each as class."""
    x = torch.arange(n * 3 * 4 * 6).remainder(251).view(n, 3, 4, 6).byte()
    return Images("numbered", "1", x, torch.arange(n), **more)


def everything(n=10):
    g = torch.Generator().manual_seed(0)
    byte = lambda *shape: torch.randint(256, (n, *shape), generator=g, dtype=torch.uint8)  # noqa: E731
    return numbered(
        n,
        mask=byte(4, 6),
        sketch=byte(1, 4, 6),
        depth=torch.rand(n, 4, 6, generator=g),
        factors={"yaw": torch.randn(n, 2, generator=g)},
        mirror=True,
        classes=[str(i) for i in range(n)],
    )


@pytest.mark.parametrize("index, numbers", [
    (3, [3]), (-1, [9]), (slice(2, 5), [2, 3, 4]), ([7, 0], [7, 0]), (torch.tensor([1, 1]), [1, 1]),
    (torch.arange(10) > 7, [8, 9]), ([], []),
])  # fmt: skip
def test_index_takes_every_tensor_along(index, numbers):
    all_, part = everything(), everything()[index]
    assert part.y.tolist() == numbers and len(part) == len(numbers)
    for a, b in zip(all_._tensors().values(), part._tensors().values(), strict=True):
        assert torch.equal(a[torch.tensor(numbers).long()], b)
    assert part.classes == all_.classes and part.mirror


def test_index_outside_and_wrong_pictures():
    with pytest.raises(IndexError, match="10 pictures, no number 10"):
        everything()[10]
    assert [len(i) for i in numbered(3)] == [1, 1, 1]  # a for loop ends
    with pytest.raises(ValueError, match="uint8"):
        Images("a", "1", torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="y must have one row per picture, 10, got 3"):
        Images("a", "1", numbered().x, torch.zeros(3))


@pytest.mark.parametrize("range", [(-1, 1), (0, 1), (-0.5, 0.5)])
def test_float_reaches_both_ends_of_the_range(range):
    x = torch.arange(256).view(1, 1, 16, 16).repeat(2, 3, 1, 1).byte()
    f = Images("a", "1", x).float(range=range)
    assert f.dtype == torch.float32 and f.is_contiguous(memory_format=torch.channels_last)
    assert (f.min().item(), f.max().item()) == range
    lo, hi = range
    torch.testing.assert_close(f, x / 255 * (hi - lo) + lo)
    b, _ = next(Images("a", "1", x).batches(2, range=range))
    assert torch.equal(b, f) and b.is_contiguous(memory_format=torch.channels_last)
    assert numbered().float([4]).shape == (1, 3, 4, 6)


@pytest.mark.parametrize("size", [3, 4, 10, 25])
def test_each_epoch_shows_each_picture_once(size):
    data = numbered(10)
    batches = data.batches(size)
    seen = torch.cat([y for _, (x, y) in zip(range(20), batches, strict=False)])
    epochs = seen[: len(seen) // 10 * 10].view(-1, 10)
    assert (epochs.sort(1).values == torch.arange(10)).all()
    assert len(epochs.unique(dim=0)) > 1 or len(epochs) == 1
    x, y = next(batches)
    assert x.shape == (size, 3, 4, 6) and torch.equal(x, data.float(y))


def test_same_seed_same_order_and_no_effect_on_the_global_generator():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, two, other = (numbered().batches(4, seed=s) for s in (0, 0, 1))
    orders = [torch.cat([next(b)[1] for _ in range(5)]) for b in (one, two, other)]
    assert torch.equal(orders[0], orders[1]) and not torch.equal(orders[0], orders[2])
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("before", [0, 1, 3, 5, 7])
def test_resumed_batches_are_the_same_to_the_bit(before):
    make = lambda: everything().batches(4, fields=("x", "y", "mask"))  # noqa: E731
    whole = make()
    for _ in range(before):
        next(whole)
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    expected = [next(whole) for _ in range(9)]
    file.seek(0)
    resumed = make()
    next(resumed)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for a, b in zip(expected, resumed, strict=False):
        assert all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


def test_flip_mirrors_picture_mask_sketch_and_depth_together():
    data, flipped = everything(), 0
    batches = data.batches(10, fields=("x", "y", "mask", "sketch", "depth"))
    for _, (x, y, mask, sketch, depth) in zip(range(4), batches, strict=False):
        assert mask.dtype == y.dtype == torch.int64 and sketch.dtype == torch.float32
        for i, k in enumerate(y.tolist()):
            own = [data.float(k)[0], data.mask[k].long(), images.to_float(data.sketch[k]), data.depth[k]]
            got = [x[i], mask[i], sketch[i], depth[i]]
            straight = torch.equal(got[0], own[0])
            flipped += not straight
            assert all(torch.equal(g, o if straight else o.flip(-1)) for g, o in zip(got, own, strict=True))
    assert 8 <= flipped <= 32  # 40 coins


def test_flip_only_where_it_makes_sense():
    faces, digits = everything(), numbered()
    assert faces.batches(2).flip and not digits.batches(2).flip and digits.batches(2, flip=True).flip
    assert not faces.batches(2, flip=False).flip
    with_factor = faces.batches(10, fields=("x", "yaw", "y"))
    x, yaw, y = next(with_factor)
    assert torch.equal(x, faces.float(y)) and torch.equal(yaw, faces.factors["yaw"][y])
    with pytest.raises(ValueError, match="mirrored picture would not fit its yaw"):
        faces.batches(2, fields=("x", "yaw"), flip=True)


def test_fields_that_are_not_there():
    x, y = next(Images("plain", "1", numbered().x).batches(4))
    assert y.tolist() == [0] * 4 and y.dtype == torch.int64
    with pytest.raises(ValueError, match="numbered has no mask; its fields are x, y"):
        numbered().batches(4, fields=("x", "mask"))
    with pytest.raises(ValueError, match='must begin with "x"'):
        numbered().batches(4, fields=("y", "x"))
    with pytest.raises(ValueError, match="need a batch size and pictures, got 4 and 0"):
        numbered()[[]].batches(4)


def test_fingerprint_tells_data_and_batching_apart():
    changed = numbered()
    changed.x[3, 0, 0, 0] += 1
    prints = [
        numbered().batches(4).fingerprint(),
        numbered().batches(5).fingerprint(),
        numbered(9).batches(4).fingerprint(),
        changed.batches(4).fingerprint(),
        *(numbered().batches(4, **o).fingerprint()
          for o in (dict(seed=1), dict(value_range=(0, 1)), dict(flip=True), dict(fields="x"))),
    ]  # fmt: skip
    assert len(set(prints)) == len(prints)
    advanced = numbered().batches(4)
    next(advanced)
    assert advanced.fingerprint() == prints[0]


def test_pictures_stay_on_the_cpu_when_they_would_fill_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 9999))
    assert images.fits(499, "cuda") and not images.fits(501, "cuda") and images.fits(501, "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("room", [True, False])
def test_batches_on_a_gpu_are_those_of_the_cpu(monkeypatch, room):
    monkeypatch.setattr(images, "fits", lambda *_: room)
    fields = ("x", "y", "mask", "sketch", "depth")
    here, there = everything().batches(7, fields=fields), everything().batches(7, "cuda", fields=fields)
    for _, a, b in zip(range(5), here, there, strict=False):
        assert all(t.is_cuda for t in b)
        for s, t in zip(a, b, strict=True):
            torch.testing.assert_close(s, t.cpu(), rtol=0, atol=1e-6)

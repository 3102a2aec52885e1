"""Images and Batches: indexing, the data order, flips and the conversion to float."""

import io

import pytest
import torch

import dlimlib as dl
from dlimlib.data import Images, batches, in_batches, paired, unpaired


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
        depth=torch.rand(n, 1, 4, 6, generator=g),
        factors={"yaw": torch.randn(n, 2, generator=g)},
        extra={"target": byte(3, 8, 12), "codes": torch.randint(512, (n, 2, 3), generator=g)},
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
    for a, b in zip(all_.tensors().values(), part.tensors().values(), strict=True):
        assert torch.equal(a[torch.tensor(numbers).long()], b)
    assert part.classes == all_.classes and part.mirror


def test_index_outside_and_wrong_pictures():
    with pytest.raises(IndexError, match="index 10 is out of bounds"):
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


def check_that_it_resumes(whole, other):
    """Batches made alike go on, from the saved state of `whole`, with the very same batches."""
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    expected = [next(whole) for _ in range(9)]
    file.seek(0)
    next(other)
    other.load_state_dict(torch.load(file, weights_only=True))
    for a, b in zip(expected, other, strict=False):
        assert all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


@pytest.mark.parametrize("before", [0, 1, 3, 5, 7])
def test_resumed_batches_are_the_same_to_the_bit(before):
    make = lambda: everything().batches(4, fields=("x", "y", "mask"))  # noqa: E731
    whole = make()
    for _ in range(before):
        next(whole)
    check_that_it_resumes(whole, make())


def test_flip_mirrors_picture_mask_sketch_and_depth_together():
    data, flipped, fields = everything(), 0, ("x", "mask", "sketch", "target", "codes", "depth")
    for _, (y, *batch) in zip(range(4), data.batches(10, fields=("y", *fields)), strict=False):
        x, mask, sketch, target, codes, depth = batch
        assert mask.dtype == y.dtype == codes.dtype == torch.int64 and sketch.dtype == target.dtype == x.dtype
        assert depth.shape == (10, 1, 4, 6) and target.is_contiguous(memory_format=torch.channels_last)
        for i, k in enumerate(y.tolist()):
            x, sketch, target = (data.float(k, field=f)[0] for f in ("x", "sketch", "target"))
            own = [x, data.mask[k].long(), sketch, target, data.extra["codes"][k], data.depth[k]]
            got = [t[i] for t in batch]
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
    with pytest.raises(ValueError, match="has no field"):
        numbered().batches(4, fields=())
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
    assert batches.fits(499, "cuda") and not batches.fits(501, "cuda") and batches.fits(501, "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("room", [True, False])
def test_batches_on_a_gpu_are_those_of_the_cpu(monkeypatch, room):
    monkeypatch.setattr(batches, "fits", lambda *_: room)
    fields = ("x", "y", "mask", "sketch", "depth")
    here, there = everything().batches(7, fields=fields), everything().batches(7, "cuda", fields=fields)
    for _, a, b in zip(range(5), here, there, strict=False):
        assert all(t.is_cuda for t in b)
        for s, t in zip(a, b, strict=True):
            torch.testing.assert_close(s, t.cpu(), rtol=0, atol=1e-6)


def codes(n=10, **more):
    """What a network made of n pictures: maps of codes and latents, no pictures."""
    g = torch.Generator().manual_seed(1)
    own = {"codes": torch.randint(512, (n, 4, 4), generator=g), "z": torch.randn(n, 8, generator=g)}
    return Images("codes", "1", y=torch.arange(n), extra=own, **more)


def test_codes_and_latents_need_no_pictures():
    data = codes()
    assert len(data) == 10 and repr(data) == "Images(codes v1, 10, codes, z)" and len(data[3:5]) == 2
    index, z, y = next(data.batches(4, fields=("codes", "z", "y")))
    assert torch.equal(index, data.extra["codes"][y]) and torch.equal(z, data.extra["z"][y])
    assert [data.role(f) for f in ("codes", "z", "y")] == ["labels", "values", "class"]
    with pytest.raises(ValueError, match="codes has no x; its fields are y, codes, z"):
        data.batches(4)
    with pytest.raises(ValueError, match="no pictures 'z'"):
        data.float(field="z")
    with pytest.raises(ValueError, match="is empty"):
        Images("nothing", "1")
    with pytest.raises(ValueError, match="other names than mask"):
        Images("a", "1", numbered().x, extra={"mask": torch.zeros(10)})
    with pytest.raises(ValueError, match="z must have one row per picture, 10, got 9"):
        Images("a", "1", numbered().x, extra={"z": torch.zeros(9)})


def test_latents_keep_their_pictures_from_being_mirrored():
    data = everything()
    data.extra["z"] = torch.randn(10, 4)
    assert data.batches(2, fields=("x", "codes")).flip and not data.batches(2, fields=("x", "z")).flip
    with pytest.raises(ValueError, match="mirrored picture would not fit its z"):
        data.batches(2, fields=("x", "z"), flip=True)


def test_a_blank_picture_with_codes_among_its_factors_as_notebook_04_makes_it():
    index = torch.randint(512, (10, 4, 4))
    blank = torch.zeros(10, 1, 1, 1, dtype=torch.uint8)
    data = Images("codes", "1", blank, y=torch.arange(10), factors={"index": index})
    x, given, y = next(data.batches(4, fields=("x", "index", "y")))
    assert x.shape == (4, 1, 1, 1) and torch.equal(given, index[y]) and not data.batches(4).flip


def test_masks_of_several_people_a_row_as_notebook_01_has_them():
    masks = torch.arange(10 * 2 * 4 * 6).remainder(9).view(10, 2, 4, 6).byte()
    crowd = Images("six people", "1", torch.cat([numbered().x] * 2, 1), mask=masks, mirror=True)
    x, mask = next(crowd.batches(4, fields=("x", "mask"), flip=False))
    assert x.shape == (4, 6, 4, 6) and mask.shape == (4, 2, 4, 6) and mask.dtype == torch.int64


def test_pairs_are_mirrored_together():
    left, right = everything(), Images("right", "1", 255 - everything().x, mirror=True)
    both = paired(left, right)
    x, target, y = next(both.batches(10, fields=("x", "target", "y")))
    torch.testing.assert_close(target, -x)
    straight = (x == left.float(y)).flatten(1).all(1)
    assert straight.any() and not straight.all() and both.name == "numbered to right"
    assert not paired(left, Images("right", "1", right.x)).batches(2).flip
    with pytest.raises(ValueError, match="a picture of each"):
        paired(left, right[:9])


def test_unpaired_batches_resume_and_have_nothing_to_do_with_each_other():
    make = lambda: unpaired(numbered().batches(5), everything().batches(2, fields=("x", "y")))  # noqa: E731
    whole = make()
    x_A, y_A, x_B, y_B = next(whole)
    assert len(x_A) == 5 and len(x_B) == 2
    assert not torch.equal(y_A[:2], y_B), "one seed would shuffle both alike"
    check_that_it_resumes(whole, make())
    assert make().fingerprint() == whole.fingerprint()
    assert whole.fingerprint() != unpaired(numbered().batches(5), numbered().batches(2)).fingerprint()
    same = numbered().batches(4)
    with pytest.raises(ValueError, match="same batches"):
        unpaired(same, same)


def test_unpaired_batches_in_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("DLIM_HOME", str(tmp_path))

    def loop(stop=None, **more):
        sides = (data.batches(4, fields="x") for data in (numbered(), everything()))
        run = dl.Run("unpaired", unpaired(*sides), steps=12, **more)
        for x_A, x_B in run:
            run.log(a=x_A[:, :, 0].sum(), b=x_B[:, :, 0].sum())
            if run.step == stop:
                break
        return run.history

    whole = loop()
    loop(stop=5)
    assert loop(resume=True) == whole


def test_in_batches_puts_the_pieces_together():
    sizes = []

    def f(x):
        sizes.append(len(x))
        return x.sum((1, 2, 3)), x.flatten(1)

    x = torch.randn(10, 1, 2, 3, requires_grad=True)
    total, flat = in_batches(f, x, 4)
    assert sizes == [4, 4, 2] and torch.equal(flat, x.flatten(1)) and not flat.requires_grad
    torch.testing.assert_close(total, x.sum((1, 2, 3)))
    assert torch.equal(dl.in_batches(lambda x: x, everything(), 3, device="cpu"), everything().float())
    assert in_batches(lambda x: x + 1, x[:0], 4).shape == (0, 1, 2, 3)

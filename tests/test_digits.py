"""The procedural digits: each from its own row of numbers, always the same, and legible."""

import pytest
import torch
import torch.nn.functional as F

from dlimlib.data import digits


@pytest.fixture(scope="module")
def many():
    return digits.render(1100, seed=1)


def test_a_digit_depends_on_seed_and_number_only(many):
    part = digits.render(90, seed=1, start=470)  # across a border of chunks
    assert torch.equal(part.y, many.y[470:560])
    assert (part.x.int() - many.x[470:560].int()).abs().max() <= 1
    other = digits.render(90, seed=2, start=470)
    assert not torch.equal(other.y, part.y)


def test_shapes_classes_and_values(many):
    assert many.x.shape == (1100, 1, 28, 28) and many.x.dtype == torch.uint8 and many.y.dtype == torch.int64
    assert many.name == "toy-digits" and many.version == digits.VERSION and not many.mirror
    assert many.classes == list("0123456789")
    assert (many.y.bincount(minlength=10) > 75).all()  # 110 each are expected
    ink = many.x.flatten(1).float()
    assert (ink.max(1).values >= 0.84 * 255).all() and (ink.min(1).values == 0).all()
    assert digits.render(0).x.shape == (0, 1, 28, 28)


def test_the_pictures_of_version_1_are_pinned(many):
    assert many.y[:10].tolist() == [3, 0, 9, 3, 2, 1, 4, 3, 2, 7]
    coarse = torch.tensor([
        [0, 3, 76, 125, 37, 0, 0], [0, 73, 168, 103, 205, 16, 0], [0, 0, 0, 30, 198, 10, 0],
        [0, 0, 52, 208, 111, 0, 0], [0, 0, 0, 0, 130, 32, 0],
        [0, 16, 102, 50, 131, 20, 0], [0, 0, 12, 66, 43, 0, 0],
    ])  # fmt: skip
    assert (F.adaptive_avg_pool2d(many.x[0].float(), 7)[0] - coarse).abs().max() <= 1
    assert many.x[:100].float().mean().item() == pytest.approx(35.12, abs=0.05)


def test_another_size_shows_the_same_digits(many):
    large = digits.render(20, seed=1, size=84)
    shrunk = F.avg_pool2d(large.x.float(), 3)
    assert torch.equal(large.y, many.y[:20])
    assert (shrunk - many.x[:20].float()).abs().mean() < 4


def test_every_writing_style_is_used():
    drawn = digits.write(digits.uniforms(3000, 1))[3]  # where the pen is down, and so how many strokes
    assert drawn.shape == (3000, digits.STEPS - 1)
    odds, first, points, *_ = digits.glyphs()
    assert len(points) == sum(map(len, digits.STYLES.values())) == int((odds > 0).sum())
    lifted = (drawn == 0).sum(1)
    assert set(lifted.tolist()) == {0, 1}  # one stroke or two


def test_real_handwriting_is_read_by_its_likeness_to_toy_digits(many):
    sklearn = pytest.importorskip("sklearn.datasets")
    neighbors = pytest.importorskip("sklearn.neighbors")
    real = sklearn.load_digits()  # 8 × 8, without a margin
    toy = F.interpolate(many.x[:, :, 3:25, 3:25].float() / 16, (8, 8), mode="bilinear", antialias=True)
    knn = neighbors.KNeighborsClassifier(3).fit(toy.flatten(1), many.y)
    assert knn.score(real.data, real.target) > 0.68  # chance is 0.1; a small CNN gets 0.82 to 0.86


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same(many):
    gpu = digits.render(1100, seed=1, device="cuda")
    assert torch.equal(gpu.y, many.y)
    assert ((gpu.x.int() - many.x.int()).abs() <= 2).float().mean() >= 0.995

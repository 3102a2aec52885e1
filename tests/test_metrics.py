"""Metrics against values worked out by hand, and the feature nets against damage of known size."""

import json
import math

import pytest
import torch

from dlimlib import metrics
from dlimlib.course.feature_nets.damage import blur, corrupt
from dlimlib.course.feature_nets.measures import curves, expressions
from dlimlib.course.feature_nets.train import faces_accuracy
from dlimlib.data import digits, faces
from dlimlib.data.faces import geometry
from dlimlib.data.images import Images
from dlimlib.metrics import nets

# what the newest reader of faces reads on held-out clean portraits: R², as accuracy.json states it
BARS = dict(smile=0.8, blink=0.9, open=0.93, gaze_x=0.85, gaze_y=0.7, lips=0.75, eye_size=0.75, iris=0.85)
# how far 250 true portraits lie from others that all do the same, at least, where any others have distance 1
LEAST = {"no smile": 3.0, "mouth shut": 1.2, "eyes shut": 5.0, "eyes ahead": 1.15, "frontal": 1.1}


def test_psnr_of_a_constant_difference():
    x = torch.zeros(2, 3, 8, 8)
    y = x + torch.tensor([0.2, 0.02]).view(2, 1, 1, 1)
    assert torch.allclose(metrics.psnr(x, y), torch.tensor([20.0, 40.0]))
    assert torch.allclose(metrics.psnr(x, y, value_range=(0, 1)), torch.tensor([13.9794, 33.9794]))
    assert metrics.psnr(x, x).isposinf().all()
    with pytest.raises(ValueError, match="alike"):
        metrics.psnr(x, y[:1])


def test_ssim_of_flat_pictures():
    a, b = torch.full((1, 1, 16, 16), -0.5), torch.full((1, 1, 16, 16), 0.5)  # 0.25 and 0.75 in [0, 1]
    by_hand = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)  # a flat picture has no variance
    assert torch.allclose(metrics.ssim(a, b), torch.tensor([by_hand]), atol=1e-3)
    assert torch.allclose(metrics.ssim(torch.cat([a, b]), torch.cat([a, b])), torch.ones(2))


def images(x):
    """Images of uint8 pictures."""
    return Images(x=x, name="toy", version="1")


def test_the_principal_gaussian_has_the_mean_and_the_main_directions_of_the_images():
    torch.manual_seed(0)
    way, flat = torch.randn(3 * 4 * 5), torch.randn(400, 1)
    x = (128 + 8 * flat * way + 2 * torch.randn(400, 60)).round().clamp(0, 255).byte().view(400, 3, 4, 5)
    draw = lambda seed: metrics.principal_gaussian(images(x), 3000, components=1, seed=seed)  # noqa: E731
    state = torch.get_rng_state()
    drawn, true = draw(0), x.float().flatten(1) / 127.5 - 1
    assert drawn.shape == (3000, 3, 4, 5) and torch.allclose(
        drawn.flatten(1).mean(0), true.mean(0), atol=0.01
    )
    varied = drawn.flatten(1).std(0) / true.std(0)
    assert varied[way.abs() > 1].sub(1).abs().max() < 0.1, "where the first direction rules"
    assert (torch.linalg.svdvals(drawn.flatten(1) - drawn.flatten(1).mean(0)) > 0.1).sum() == 1
    assert torch.equal(draw(0), drawn) and not torch.equal(draw(1), drawn)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_nearest_picture_and_how_far_it_is():
    x = torch.randint(0, 256, (20, 3, 4, 5), generator=torch.Generator().manual_seed(0)).byte()
    shown = images(x).float([7, 2, 11])
    shown[1, 0, 0, 0] += 0.5
    distance, index = metrics.nearest(shown, images(x), chunk=2)
    assert index.tolist() == [7, 2, 11] and torch.allclose(distance, torch.tensor([0.0, 0.5, 0.0]), atol=2e-3)


def test_confusion_and_iou():
    target = torch.tensor([[0, 0, 1], [1, 1, 2]])
    pred = torch.tensor([[0, 1, 1], [1, 0, 2]])
    table = metrics.confusion(pred, target, 4)
    assert table.tolist() == [[1, 1, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    ignored = (
        torch.cat([target.flatten(), torch.full((3,), 255)]),
        torch.cat([pred.flatten(), torch.arange(3)]),
    )
    assert torch.equal(metrics.confusion(ignored[1], ignored[0], 4), table)
    iou = metrics.iou(table)
    assert torch.allclose(iou[:3], torch.tensor([1 / 3, 1 / 2, 1.0]).double()) and iou[3].isnan()
    with pytest.raises(ValueError, match="0 to 1, got 0 to 2"):
        metrics.confusion(pred.clamp(max=1), target, 2)
    with pytest.raises(ValueError, match="equally many"):
        metrics.confusion(pred, target[:1], 4)


def test_frechet_of_two_gaussians():
    a, b = torch.tensor([[-1.0], [1.0]]), torch.tensor([[1.0], [5.0]])
    # means 0 and 3, standard deviations sqrt(2) and sqrt(8): 3² + (sqrt(8) - sqrt(2))² = 9 + 2
    assert math.isclose(metrics.frechet(a, b), 11, rel_tol=1e-6)
    g = torch.Generator().manual_seed(0)
    x = torch.randn(400, 5, generator=g, dtype=torch.double)
    mix = torch.randn(5, 5, generator=g, dtype=torch.double)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov()).T)  # covariance exactly I
    y = x @ mix + 1
    # with I on one side, trace(sqrt(S)) is the sum of the singular values of mix
    by_hand = 5 + 5 + mix.square().sum() - 2 * torch.linalg.svdvals(mix).sum()
    assert math.isclose(metrics.frechet(x, y), by_hand.item(), rel_tol=1e-6)
    assert metrics.frechet(x, x) < 1e-6


def test_frechet_refuses_what_it_cannot_measure():
    x = torch.randn(10, 10)
    with pytest.raises(ValueError, match="10 features need at least 11 pictures, got 10"):
        metrics.frechet(x, x)
    with pytest.raises(ValueError, match="one width"):
        metrics.frechet(torch.randn(20, 3), torch.randn(20, 4))
    with pytest.raises(ValueError, match="NaN"):
        metrics.frechet(torch.randn(20, 3), torch.full((20, 3), math.nan))


def test_the_floor_falls_with_the_number_of_pictures():
    x = torch.randn(4000, 8, generator=torch.Generator().manual_seed(0))
    few, many = metrics.frechet_floor(x, 50), metrics.frechet_floor(x, 2000)
    assert 0 < many < few / 5
    with pytest.raises(ValueError, match="needs 4002 real pictures, got 4000"):
        metrics.frechet_floor(x, 2001)


def test_precision_and_recall_by_hand():
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])  # k = 1: all balls have radius 1, [-1, 4] is covered
    fake = torch.tensor([[-0.5], [0.25], [6.0], [9.0]])  # radii 0.75, 0.75, 3, 3
    # fake: -0.5 and 0.25 lie inside; real: 0 and 1 lie within [-1.25, 1], 3 within [3, 9]
    assert metrics.precision_recall(real, fake, k=1) == (0.5, 0.75)
    assert metrics.precision_recall(real, fake, k=1, chunk=3) == (0.5, 0.75)
    with pytest.raises(ValueError, match="at least 5 pictures"):
        metrics.precision_recall(real, fake, k=4)


def falls(values, slack=0.0):
    return values[-1] < values[0] and all(b <= a + slack for a, b in zip(values, values[1:], strict=False))


@pytest.fixture(scope="module")
def portraits():
    return faces.render(faces.sample(1000, seed=2), 64)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["digits", "faces"])
def test_the_measures_measure(kind, request):
    if kind == "faces":
        drawn = request.getfixturevalue("portraits")
        y = drawn.factors["style"].argmax(1)
    else:
        drawn = digits.render(1000, seed=2)
        y = drawn.y
    found = curves(lambda x: metrics.features(x, kind, value_range=(0, 1)), drawn.x.float() / 255, y, 250)
    for name, rows in found.items():
        _, distance, precision, recall = zip(*rows, strict=True)
        assert falls([-d for d in distance]), f"{name}: the distance must rise, got {distance}"
        if name == "missing classes":
            assert falls(recall, 0.03), f"recall must fall with missing classes, got {recall}"
        else:
            assert falls(precision, 0.03), f"precision must fall with {name}, got {precision}"


@pytest.mark.slow
def test_expression_counts(portraits):
    x = portraits.x.float() / 255
    found = expressions(lambda x: metrics.features(x, value_range=(0, 1)), x, portraits.factors, 250)
    for name, rows in found.items():
        distance = [row[1] for row in rows]
        assert falls([-d for d in distance], 0.05), f"{name}: the distance must rise, got {distance}"
        assert distance[-1] > LEAST[name] * distance[0], f"{name} must stand out, got {distance}"


@pytest.mark.slow
def test_features_are_the_same_for_every_form_of_a_picture(portraits):
    few = portraits[:5]
    f = metrics.features(few)
    assert f.shape[1] <= 64
    assert torch.allclose(metrics.features(few.x), f)
    assert torch.allclose(metrics.features(few.float()), f, atol=1e-3)
    assert torch.allclose(metrics.features(few.float(value_range=(0, 1)), value_range=(0, 1)), f, atol=1e-3)
    assert metrics.features(few.x.repeat_interleave(2, 2).repeat_interleave(2, 3)).shape == f.shape
    assert metrics.features(few.x[:, :1], "digits").shape[0] == 5
    with pytest.raises(ValueError, match="1 or 3 channels"):
        metrics.features(torch.zeros(5, 4, 64, 64))
    with pytest.raises(ValueError, match='"faces" or "digits"'):
        metrics.features(few, "cats")


@pytest.mark.slow
@pytest.mark.parametrize("reader", [1, 2])
def test_factors_are_read_in_their_units(portraits, reader):
    true = portraits.factors
    for x in (portraits.x, (blur(portraits.x.float() / 255, torch.ones(1000)) * 255).byte()):
        read = metrics.read_factors(x, reader=reader)
        assert (read["yaw"] - true["yaw"]).abs().rad2deg().median() < 3
        assert (read["style"].argmax(1) == true["style"].argmax(1)).double().mean() > 0.7
        assert ((read["glasses"] > 0.5) == (true["glasses"] > 0.5)).double().mean() > 0.95
        assert (read["skin"] - true["skin"]).abs().mean() < 0.05


def test_the_face_is_read(portraits):
    read = faces_accuracy(nets.load("faces", 2), portraits.x.float() / 255, portraits.factors)
    short = {name: read[name] for name, least in BARS.items() if read[name] < least - 0.05}
    assert not short, f"held out, among 1000 portraits, some factors are read worse than stated: {short}"


def test_a_mirrored_face_is_read_the_other_way_round(portraits):
    read, mirrored = metrics.read_factors(portraits.x[:200]), metrics.read_factors(portraits.x[:200].flip(3))
    for name in ("yaw", "roll", "gaze_x", "light_x", "smile", "open", "pitch", "gaze_y"):
        sign = torch.corrcoef(torch.stack([read[name], mirrored[name]]))[0, 1]
        assert (-sign if name in ("yaw", "roll", "gaze_x", "light_x") else sign) > 0.8, f"{name}: {sign:.2f}"


def test_faces_are_straightened():
    assert (nets.PIVOT, nets.VIEW, nets.CENTRE) == (geometry.PIVOT, geometry.VIEW, geometry.CENTRE)
    scenes = faces.scene(faces.sample(24, seed=3))
    still = {name: value[:1].expand_as(value) for name, value in scenes.items()}
    poses = {name: scenes[name] for name in ("yaw", "pitch", "roll")}
    drawn = faces.render(faces.combine(faces.person(0), still | poses), 64)
    eyes = (drawn.mask == faces.CLASSES.index("eyes"))[:, None].float()

    def wander(maps):
        """How far, in pixels, the middle of the eyes strays, across and up."""
        at = torch.arange(maps.shape[-1]) + 0.5
        total = maps.sum((1, 2, 3))
        return [((maps.sum(dim)[:, 0] * at).sum(1) / total).std().item() for dim in (2, 3)]

    before, after = wander(eyes), wander(nets.straighten(eyes, torch.stack(list(poses.values()), 1)))
    assert after[0] < 0.4 * before[0] and after[1] < 0.6 * before[1], f"{before} pixels became {after}"


def test_a_reader_has_a_number(portraits):
    few = portraits[:4]
    assert metrics.READER == 2 and torch.equal(metrics.features(few), metrics.features(few, reader=2))
    assert metrics.features(few, reader=1).shape != metrics.features(few).shape
    assert not torch.equal(metrics.read_factors(few)["smile"], metrics.read_factors(few, reader=1)["smile"])
    assert not torch.equal(metrics.identity_vector(few), metrics.identity_vector(few, reader=1))
    for kind in ("faces", "digits"):
        with pytest.raises(ValueError, match="there is no 3"):
            metrics.features(few, kind, reader=3)
    with pytest.raises(ValueError, match='"faces" or "digits"'):
        metrics.features(few, "cats", reader=1)


def test_a_person_resembles_itself_in_other_scenes():
    scenes = faces.scene(faces.sample(20, seed=3))
    a, b = (faces.render(faces.combine(faces.person(seed), scenes), 64) for seed in (0, 1))
    a, b = metrics.identity_vector(a.x), metrics.identity_vector(b.x)
    own, other = torch.cdist(a[:10], a[10:]).mean(1), torch.cdist(a[:10], b).mean(1)
    assert (own < other).double().mean() >= 0.9


def test_digits_are_read():
    images = digits.render(200, seed=5)
    odds = metrics.read_digits(images.float())
    assert odds.shape == (200, 10) and torch.allclose(odds.sum(1), torch.ones(200), atol=1e-5)
    assert (odds.argmax(1) == images.y).float().mean() > 0.98
    again = metrics.read_digits(images.float(value_range=(0, 1)), value_range=(0, 1))
    assert torch.allclose(odds, again, atol=1e-4)


def test_what_is_claimed_is_what_was_measured():
    stated = json.loads((nets.FOLDER / "accuracy.json").read_text())
    for kind, readers in nets.READERS.items():
        for reader in readers:
            name = f"{kind}-{reader}"
            assert (nets.FOLDER / f"{name}.safetensors").stat().st_size <= 4e6
            assert "clean" in stated[name]["accuracy"] and "blur" in stated[name]["measures"]
    old, clean = (stated[f"faces-{reader}"]["accuracy"]["clean"] for reader in (1, 2))
    assert all(clean[name] >= least for name, least in BARS.items())
    assert all(clean[name] >= old[name] for name in nets.READ)
    assert stated["faces-2"]["training"].keys() == {"seed", "seconds", "steps", "pictures"}
    for name in LEAST:
        distance = [row[1] for row in stated["faces-2"]["measures"][name]]
        assert falls([-d for d in distance]) and distance[-1] > 3 * distance[0], f"{name}: {distance}"
    named = {name for name in nets.READ if f"`{name}`" in metrics.read_factors.__doc__}
    assert named == set(nets.HIDDEN) == {name for name in nets.READ if clean[name] < 0.5}


def test_one_picture_alone_is_corrupted_as_well():
    x = faces.render(faces.sample(1, seed=2), 64).x.float() / 255
    torch.manual_seed(0)
    corrupted = [corrupt(x, clean=0) for _ in range(30)]
    assert sum(bool(levels.any()) for _, levels in corrupted) > 20
    assert all(not torch.equal(y, x) for y, levels in corrupted if levels.max() > 0.1)


def test_eyes_and_a_mouth_in_label_maps():
    names = faces.MASK_CLASSES
    assert [names[k] for k in (metrics.EYES, metrics.MOUTH, metrics.GLASSES)] == ["eyes", "mouth", "glasses"]
    masks = faces.render(faces.sample(64, seed=5), 64).mask
    assert metrics.eyes_and_mouth(masks).double().mean() > 0.9, (
        "true portraits, but for shut eyes and profiles"
    )
    assert not metrics.eyes_and_mouth(torch.zeros(2, 64, 64).long()).any()
    face = torch.zeros(1, 32, 40).long()
    face[:, 10:12, 8:12] = face[:, 10:12, 28:32] = metrics.EYES
    face[:, 24:26, 15:25] = metrics.MOUTH
    assert metrics.eyes_and_mouth(face).tolist() == [True]
    no_mouth, one_eye = face.clone(), face.clone()
    no_mouth[:, 20:] = 0
    one_eye[..., 20:, :16] = one_eye[:, :20, 20:] = 0
    for broken in (no_mouth, one_eye, face.flip(1)):
        assert metrics.eyes_and_mouth(broken).tolist() == [False]

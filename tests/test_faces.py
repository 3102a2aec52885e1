"""The procedural faces: what is drawn depends on the factors and on nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dlimlib.data import faces
from dlimlib.data.faces import portrait

PINNED = Path(__file__).with_name("faces_v1.npz")


@pytest.fixture(scope="module")
def factors():
    return faces.sample(24, seed=1)


@pytest.fixture(scope="module")
def images(factors):
    return faces.render(factors, 64, full=True)


def alike(a, b):
    """Share of pixels within 2/255 of one another."""
    return ((a.int() - b.int()).abs().amax(1) <= 2).float().mean()


def only(factors, *rows):
    return {k: v[list(rows)] for k, v in factors.items()}


def grid(x):
    """Mean colours of 8 × 8 cells: close on any machine, far when anything is drawn differently."""
    return torch.nn.functional.avg_pool2d(x.float(), x.shape[-1] // 8)


# ---------------------------------------------------------------------------- factors
def test_a_row_depends_on_seed_and_number_only():
    many, few, late = faces.sample(50, seed=3), faces.sample(5, seed=3), faces.sample(7, seed=3, start=40)
    for k in many:
        assert torch.equal(many[k][:5], few[k]), k
        assert torch.equal(many[k][40:47], late[k]), k
    assert not torch.equal(faces.sample(5, seed=4)["skin"], few["skin"])


def test_names_and_ranges(factors):
    assert list(factors) == faces.IDENTITY + faces.SCENE
    assert len(factors) >= 65 and factors["style"].shape == (24, len(faces.STYLES))
    assert all(v.dtype == torch.float and v.isfinite().all() for v in factors.values())
    f = faces.sample(3000, seed=0)
    assert f["yaw"].abs().max() <= 0.67 and abs(f["yaw"].std() - 0.29) < 0.02
    assert (f["smile"] > 0).float().mean() > 0.9
    assert ((f["style"].sum(1) - 1).abs() < 1e-6).all() and (f["style"].mean(0) > 0.02).all()
    assert (f["beard"][f["masc"] <= 0.5] == 0).all()


def test_identities_of_the_splits_are_disjoint():
    train, test = faces.sample(2000, seed=1), faces.sample(500, seed=2)
    keys = [{tuple(row) for row in f["jitter"].flatten(1)[:, :3].tolist()} for f in (train, test)]
    assert len(keys[0]) == 2000 and len(keys[1]) == 500 and not keys[0] & keys[1]


def test_person_and_the_two_halves(factors):
    who = faces.person(7)
    assert set(who) == set(faces.IDENTITY) and all(len(v) == 1 for v in who.values())
    assert torch.equal(who["skin"], faces.person(7)["skin"])
    assert not torch.equal(who["tone"], faces.person(8)["tone"])
    assert not torch.equal(who["tone"], faces.sample(1, seed=7)["tone"])
    assert {**faces.identity(factors), **faces.scene(factors)}.keys() == factors.keys()


def test_combine_keeps_the_identity_and_takes_the_scene(factors):
    both = faces.combine(faces.person(7), faces.scene(factors))
    assert torch.equal(both["yaw"], factors["yaw"])
    assert (both["skin"] == faces.person(7)["skin"]).all() and len(both["jitter"]) == 24
    with pytest.raises(ValueError, match="got 2 persons and 24 scenes"):
        faces.combine(only(factors, 0, 1), factors)


def test_mix_goes_from_one_to_the_other(factors):
    a, b = only(factors, 0), only(factors, 1)
    assert all(torch.equal(faces.mix(a, b, 0.0)[k], a[k]) for k in a)
    assert all(torch.allclose(faces.mix(a, b, torch.tensor([1.0]))[k], b[k]) for k in a)
    path = faces.mix(
        {k: v.expand(9, *v.shape[1:]) for k, v in a.items()},
        {k: v.expand(9, *v.shape[1:]) for k, v in b.items()},
        torch.linspace(0, 1, 9),
    )
    x = faces.render(path, 32).x.float()
    steps = (x[1:] - x[:-1]).abs().mean((1, 2, 3))
    assert steps.max() < 0.6 * (x[-1] - x[0]).abs().mean()  # it morphs and does not jump


# ---------------------------------------------------------------------------- pictures
def test_what_render_returns(images, factors):
    assert images.x.shape == (24, 3, 64, 64) and images.x.dtype == torch.uint8
    assert images.mask.shape == (24, 64, 64) and images.mask.dtype == torch.uint8
    assert images.sketch.shape == (24, 1, 64, 64) and images.sketch.dtype == torch.uint8
    assert images.depth.shape == (24, 1, 64, 64) and images.depth.isfinite().all()
    assert images.version == faces.VERSION and torch.equal(images.factors["yaw"], factors["yaw"])
    plain = faces.render(only(factors, 0), 20)
    assert plain.x.shape == (1, 3, 20, 20) and plain.sketch is None


@pytest.mark.parametrize("chunk", [1, 5, 24])
def test_same_picture_whatever_the_chunk(images, factors, chunk):
    again = faces.render(factors, 64, full=True, chunk=chunk)
    assert alike(images.x, again.x) >= 0.995 and alike(images.sketch, again.sketch) >= 0.995
    assert (images.mask == again.mask).float().mean() >= 0.995


def test_same_picture_whatever_the_company(images, factors):
    rows = [13, 2, 20]
    assert alike(images.x[rows], faces.render(only(factors, *rows), 64).x) >= 0.995


def test_blocks_of_geometry_join_seamlessly(images, factors, monkeypatch):
    monkeypatch.setattr(faces, "BLOCK", 7)
    again = faces.render(factors, 64)
    assert alike(images.x, again.x) >= 0.995 and (images.mask == again.mask).float().mean() >= 0.995


def test_pictures_of_this_version_are_pinned(images):
    stored = np.load(PINNED)
    x, depth = torch.from_numpy(stored["x"]).float(), torch.from_numpy(stored["depth"])
    assert str(stored["version"]) == faces.VERSION, "a new version needs new pinned pictures"
    difference = (grid(images.x[:8]) - x).abs()
    assert difference.mean() < 0.6 and difference.max() < 4, "the pictures changed: raise faces.VERSION"
    assert (grid(images.depth[:8]) - depth).abs().mean() < 0.01
    shares = torch.bincount(images.mask[:8].flatten().long(), minlength=9) / images.mask[:8].numel()
    assert torch.allclose(shares, torch.from_numpy(stored["shares"]), atol=0.003)


def test_autocast_and_tf32_leave_the_picture_alone(images, factors):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            again = faces.render(only(factors, 0, 1), 64)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert alike(images.x[:2], again.x) >= 0.995


@pytest.mark.slow
def test_everything_is_computed_on_the_device(factors):
    """The meta device holds no numbers, but it notices a constant that was left on the CPU."""
    where = torch.device("meta")
    shapes = portrait.shapes(factors)
    shapes.pop("worn")
    part = {k: v.to(where) for k, v in shapes.items()}
    has = dict(hair=True, glasses=True, whiskers=True)
    out = portrait.draw(part, portrait.windows(32, where), 32, has, full=True)
    assert {t.device.type for t in out.values()} == {"meta"} and out["x"].shape == (24, 3, 32, 32)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_same_picture_on_a_gpu(images, factors):
    again = faces.render(factors, 64, full=True, device="cuda")
    assert alike(images.x, again.x) >= 0.995 and (images.mask == again.mask).float().mean() >= 0.995


# ---------------------------------------------------------------------------- what the factors mean
def share(images, name):
    return (images.mask == faces.MASK_CLASSES.index(name)).float().mean((1, 2))


def test_background_hair_and_features_fill_their_share():
    m = faces.render(faces.sample(200, seed=1), 48)
    assert 0.30 <= share(m, "background").mean() <= 0.42
    eyes_open = m.factors["shades"] * m.factors["glasses"] == 0
    assert (share(m, "eyes")[eyes_open] > 0.003).float().mean() > 0.97
    hair = m.mask == faces.MASK_CLASSES.index("hair")
    assert hair[:, 0].any(1).float().mean() < 0.15  # heads stay inside the frame


def test_masks_agree_with_the_factors(factors):
    f = {k: v.clone() for k, v in factors.items()}
    f["glasses"] = torch.arange(24).remainder(2).float()
    f["style"] = torch.nn.functional.one_hot(torch.arange(24) % 12, 12).float()
    m = faces.render(f, 48)
    assert ((share(m, "glasses") > 0) == (f["glasses"] > 0)).all()
    assert ((share(m, "hair") > 0) == (f["style"][:, 0] < 1)).all()
    beard = f["beard"] + f["goatee"] + f["moustache"]
    assert (share(m, "beard")[beard == 0] == 0).all() and (share(m, "beard")[f["beard"] > 0] > 0.01).all()


def test_yaw_turns_the_face():
    f = faces.combine(faces.person(3), only(faces.sample(1, seed=9), 0, 0, 0, 0, 0))
    f["yaw"] = torch.linspace(-0.6, 0.6, 5)
    f["glasses"] = torch.zeros(5)
    eyes = (faces.render(f, 64).mask == faces.MASK_CLASSES.index("eyes")).float().sum(1)
    centre = (eyes * torch.arange(64)).sum(1) / eyes.sum(1)
    assert (centre.diff() > 3).all()


def test_smile_lifts_the_corners_and_blink_shuts_the_eyes():
    f = faces.combine(faces.person(3), only(faces.sample(1, seed=9), *[0] * 4))
    for k in ("yaw", "pitch", "roll", "open"):
        f[k] = torch.zeros(4)
    f["smile"], f["blink"] = torch.tensor([-1.0, 1.0, 0.5, 0.5]), torch.tensor([0.0, 0.0, 0.0, 1.0])
    for k in ("glasses", "moustache", "goatee", "beard", "stubble"):
        f[k] = torch.zeros(4)
    m = faces.render(f, 96)
    mouth = m.mask == faces.MASK_CLASSES.index("mouth")
    rows, columns = torch.arange(96.0)[:, None], torch.arange(96.0)

    def corner_below_middle(mask):
        middle = mask & ((columns - 47.5).abs() < 3)
        corner = mask & ((columns - 47.5).abs() > 0.75 * (columns - 47.5).abs()[mask.any(0)].max())
        return (corner * rows).sum() / corner.sum() - (middle * rows).sum() / middle.sum()

    assert corner_below_middle(mouth[0]) > 1 > -1 > corner_below_middle(mouth[1])
    assert share(m, "eyes")[3] < 0.5 * share(m, "eyes")[2]


def test_one_person_keeps_the_skin_under_all_lights():
    fair, dark = sorted((faces.person(i) for i in range(8)), key=lambda who: who["tone"].item())[::7]
    scenes = faces.scene(faces.sample(8, seed=5))

    def skin(who):
        m = faces.render(faces.combine(who, scenes), 48)
        on = (m.mask == faces.MASK_CLASSES.index("skin"))[:, None]
        return (m.x * on).float().sum((2, 3)) / on.sum((2, 3))

    a, b = skin(fair), skin(dark)
    assert (a.std(0) < 25).all() and (a.mean(1) > b.mean(1) + 40).all()


# ---------------------------------------------------------------------------- mistakes
def test_a_bust_is_the_same_head_in_stone(factors, images):
    busts = faces.render(factors, 64, full=True, material="marble")
    for part in ("sketch", "depth"):
        same = (getattr(busts, part).float() - getattr(images, part).float()).abs().flatten(1).mean(1)
        assert (same < (6 if part == "sketch" else 0.02)).all(), part
    wall = images.mask == 0
    assert torch.equal(busts.mask == 0, wall), "the head has the same outline"
    inside = torch.nn.functional.max_pool2d((~wall).float()[:, None], 3, 1, 1)[:, 0] > 0
    for a, b in zip(images.x.permute(0, 2, 3, 1)[~inside], busts.x.permute(0, 2, 3, 1)[~inside], strict=True):
        assert torch.equal(a, b), "the wall behind it is the same"
    stone = busts.x.float().permute(0, 2, 3, 1)[(busts.mask == faces.MASK_CLASSES.index("hair"))]
    assert (stone.amax(1) - stone.amin(1)).mean() < 15, "no colour but that of the light"
    assert torch.equal(faces.render(factors, 64, full=True).x, images.x), "portraits are as before"
    skin = [x.x.float().mean(1)[images.mask == 1] for x in (images, busts)]
    assert skin[1].std() < skin[0].std(), "dark and light skin are one stone"


def test_mistakes_are_told_in_a_sentence(factors):
    with pytest.raises(ValueError, match="size must be a whole number from 16 to 512, got 7"):
        faces.render(factors, 7)
    with pytest.raises(ValueError, match="lack yaw; make them with faces.sample"):
        faces.render({k: v for k, v in factors.items() if k != "yaw"})
    with pytest.raises(ValueError, match="unknown names: yaww"):
        faces.render({**factors, "yaww": factors["yaw"]})
    with pytest.raises(ValueError, match=r"'smile' must have shape \(24,\), got \(3,\)"):
        faces.render({**factors, "smile": torch.zeros(3)})
    with pytest.raises(ValueError, match="must not be negative"):
        faces.sample(-1)
    with pytest.raises(TypeError, match="whole numbers"):
        faces.sample(2.5)
    with pytest.raises(ValueError, match="nobody"):
        faces.render(faces.sample(0))
    with pytest.raises(ValueError, match="material must be one of life, marble, got 'wood'"):
        faces.render(factors, 64, material="wood")

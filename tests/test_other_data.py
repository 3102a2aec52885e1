"""Notebooks on other data: real digits, a folder of photographs cut into patches, a folder of pairs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dlimlib.course import notebook as nbs

ROOT = Path(__file__).parents[1]


def execute(name, tmp_path, **settings):
    """Execute a notebook at smoke with other settings; returns each cell's text by its id."""
    nb = nbs.read(ROOT / "notebooks" / f"{name}.ipynb")
    cell = next(cell for cell in nb.cells if cell.get("id") == "settings")
    for name, value in settings.items():
        cell.source, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value!r}", cell.source)
        assert found == 1, name
    path = tmp_path / "notebooks" / "other.ipynb"
    nbs.write(nb, path)
    command = [sys.executable, "-m", "dlimlib.course.record", str(path), "--profile", "smoke"]
    command += ["--threads", "1", "--out", str(tmp_path)]
    env = os.environ | {"DLIM_HOME": str(tmp_path / "home")}  # the notebook itself may be at work meanwhile
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    done = nbs.read(tmp_path / "other.ipynb")
    show = lambda output: output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))  # noqa: E731
    return {c.id: "".join(map(show, c.outputs)) for _, c in nbs.code(done)}


@pytest.fixture
def folder(tmp_path):
    """A folder with 120 patches of two photographs."""
    datasets = pytest.importorskip("sklearn.datasets")
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, photo in zip(("china", "flower"), datasets.load_sample_images().images, strict=True):
        picture = Image.fromarray(photo)
        for i in range(60):
            left, top = 56 * (i % 10), 40 * (i // 10)
            picture.crop((left, top, left + 64, top + 64)).save(folder / f"{name} {i}.png")
    return folder


@pytest.mark.slow
def test_photographs(tmp_path, folder):
    shown = execute("01_autoencoder", tmp_path, DATA="folder", PATH=str(folder))
    assert re.search(r"Images\(photographs.* × 3 × 64 × 64", shown["load"]), shown["load"]
    assert "loss" in shown["training"] and "mse ratio to pca" in shown["results-images"]
    assert shown["attributes"] == "", "photographs have no known factors"


@pytest.mark.slow
def test_real_digits(tmp_path):
    mirror = os.environ.get("DLIM_MIRROR", "")
    if not (Path(mirror) / "mnist").is_dir() or not mirror:
        pytest.skip("DLIM_MIRROR names no folder that holds mnist/")
    shown = execute("01_autoencoder", tmp_path, DATA="mnist", SIZE=32)
    assert re.search(r"Images\(mnist.*60000 × 1 × 32 × 32", shown["load"]), shown["load"]
    assert "loss" in shown["training"] and "mse ratio to pca" in shown["results-images"]


@pytest.mark.slow
def test_pairs(tmp_path):
    """Photographs with labels in three colours: darker, brighter, and a frame around them."""
    datasets = pytest.importorskip("sklearn.datasets")
    root = tmp_path / "photographs"
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    photo = Image.fromarray(datasets.load_sample_images().images[0])
    for i in range(30):
        patch = photo.crop((20 * i, 10 * i, 20 * i + 60, 10 * i + 60))
        label = patch.convert("L").point(lambda v: 255 * (v > 128)).convert("RGB")
        label.paste((255, 0, 0), (0, 0, 60, 6))
        patch.save(root / "images" / f"{i}.jpg")
        label.save(root / "labels" / f"{i}.png")
    (root / "classes.txt").write_text("dark #000000\nbright #ffffff\nframe #ff0000\n")
    shown = execute("02_unet", tmp_path, DATA="folder", PATH=str(root), SIZE=48)
    assert re.search(r"Images\(photographs.* × 3 × 48 × 48, mask of 3 classes", shown["load"]), shown["load"]
    assert (
        re.search("iou per class .*frame ", shown["measure"], re.S)
        and "miou bridges" in shown["bridges-plot"]
    )
    assert shown["range"] == shown["strange"] == shown["explore-code"] == "", "photographs have no factors"


@pytest.mark.slow
def test_photographs_in_the_place_of_faces(tmp_path, folder, monkeypatch):
    monkeypatch.delenv("DLIM_MIRROR", raising=False)
    for scheme in ("HTTP_PROXY", "HTTPS_PROXY"):  # nobody answers there: no internet
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")
    shown = execute("03_vae", tmp_path, FACES="folder", PATH=str(folder), REAL="kmnist")
    assert "kmnist can't be had" in shown["real-train"] and shown["knn-code"] == ""
    assert "face mse" in shown["faces-figures"] and "fd samples" not in shown["faces-figures"]
    assert shown["attributes-code"] == "" and "middle mse" not in shown["morph-code"]


@pytest.mark.slow
def test_photographs_in_words(tmp_path, folder):
    shown = execute("04_vqvae", tmp_path, DATA="folder", PATH=str(folder), SIZE=64)
    assert re.search(r"Images\(photographs.* × 3 × 64 × 64", shown["load"]), shown["load"]
    assert re.search(r"bytes file +288 ", shown["file"]) and "psnr jpeg" in shown["jpeg-code"]
    assert shown["classifier-train"] == shown["who"] == "", "photographs have no classes and no factors"
    assert "fd prior" not in shown["sample-code"] and "bits bottom" in shown["two-sample"]


@pytest.mark.slow
def test_a_gan_of_real_digits(tmp_path):
    mirror = os.environ.get("DLIM_MIRROR", "")
    if not (Path(mirror) / "mnist").is_dir() or not mirror:
        pytest.skip("DLIM_MIRROR names no folder that holds mnist/")
    shown = execute("05_gan", tmp_path, DATA="mnist")
    assert re.search(r"Images\(mnist.*60000 × 1 × 28 × 28", shown["load"]), shown["load"]
    assert "mnist fd" in shown["judge"] and "your own weights go on" in shown["pretrained"]
    shown = execute("06_conditional_gan", tmp_path, DATA="mnist")
    assert re.search(r"fd by way.*\nown ", shown["contest"]), shown["contest"]
    assert "your own weights go on" in shown["pretrained"]


@pytest.mark.slow
def test_a_cyclegan_of_two_folders(tmp_path, folder):
    """Patches of a temple and of flowers: no hidden truth, so nothing is measured against it."""
    flowers = tmp_path / "flowers"
    flowers.mkdir()
    for path in folder.glob("flower *.png"):
        path.rename(flowers / path.name)
    settings = {"X": "folder", "Y": "folder", "PATH_X": str(folder), "PATH_Y": str(flowers), "SIZE": 32}
    shown = execute("08_cyclegan", tmp_path, **settings)
    both = r"photographs.* × 3 × 32 × 32.*flowers.* × 3 × 32 × 32"
    assert re.search(both, shown["load"], re.S), shown["load"]
    assert "no cycle, 0" in shown["ablation-figures"] and "F(G(x))" in shown["smuggled"]
    assert shown["truth"] == shown["measure"] == shown["written"] == shown["curve"] == ""
    assert "number" in shown["explore-code"] and "yaw" not in shown["explore-code"]


@pytest.mark.slow
def test_pix2pix_of_a_folder_of_pairs(tmp_path, folder):
    """Patches of photographs side by side with their negatives: no faces, so no reader of faces is asked."""
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for path in folder.glob("*.png"):
        picture = Image.open(path)
        both = Image.new("RGB", (128, 64))
        both.paste(picture, (0, 0))
        both.paste(picture.point(lambda v: 255 - v), (64, 0))
        both.save(pairs / path.name)
    shown = execute("07_pix2pix", tmp_path, DATA="folder", PATH=str(pairs), SIZE=32)
    assert re.search(r"Images\(pairs.* × 3 × 32 × 32, target", shown["load"]), shown["load"]
    assert "what needs its readers of faces below is skipped" in shown["load"]
    assert "L1 + GAN" in shown["rivals-look"] and "map" in shown["map-code"]
    assert shown["measure-code"] == shown["hands"] == shown["pad"] == shown["directions-figures"] == ""

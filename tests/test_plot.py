"""The figures: what they hold, that they show once, and that bridges are found in the real network."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from torch import nn

from dlimlib import plot
from dlimlib.plot.diagram import _without_reshapes, trace
from dlimlib.plot.style import ink


def picture(sheet):
    return np.asarray(Image.open(io.BytesIO(sheet.png())))


def test_to_uint8_reads_its_range_and_clips():
    x = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 5)
    assert plot.to_uint8(x).ravel().tolist() == [0, 0, 128, 255, 255]
    assert plot.to_uint8(x, (0, 1)).ravel().tolist() == [0, 0, 0, 255, 255]
    assert plot.to_uint8([x[0], x[0]]).shape == (2, 1, 5, 1)
    same = torch.randint(256, (2, 3, 4, 5), dtype=torch.uint8)
    assert (plot.to_uint8(same) == same.permute(0, 2, 3, 1).numpy()).all()
    with pytest.raises(ValueError, match="1 or 3 channels"):
        plot.to_uint8(torch.zeros(2, 4, 8, 8))
    with pytest.raises(ValueError, match="no picture"):
        plot.to_uint8([])


def test_images_enlarge_without_smoothing_and_keep_every_pixel():
    x = torch.randint(256, (6, 3, 10, 10), dtype=torch.uint8)
    shown = picture(plot.images(x, cols=3, scale=4))
    assert shown.shape == (2 * 40 + 4, 3 * 40 + 2 * 4, 3)
    second = shown[44:84:4, 0:40:4]  # the first picture of the second row
    assert (second == x[3].permute(1, 2, 0).numpy()).all()
    assert (shown[40:44] == 255).all(), "the gap between two rows is white"


def test_images_titles_rows_and_axes():
    x, y = torch.zeros(3, 1, 8, 8), torch.ones(3, 1, 8, 8)
    sheet = plot.images([x, y], titles=list("abcdef"), rows=["black", "white"])
    assert [t.get_text() for t in sheet.axes[0].texts] == [*"abcdef", "black", "white"]
    ax = plot.figure().add_subplot()
    assert plot.images(x, "three", ax=ax) is ax and ax.get_title(loc="left") == "three"
    with pytest.raises(ValueError, match="titles must be 3 texts, got 2"):
        plot.images(x, titles=["a", "b"])
    with pytest.raises(ValueError, match="equally long"):
        plot.images([x, y[:2]])


def test_painted_masks_and_their_legend():
    mask = torch.arange(16).view(1, 4, 4)
    painted = plot.paint(mask)
    assert painted.shape == (1, 3, 4, 4) and painted.dtype == torch.uint8
    assert [round(255 * c) for c in to_rgb(plot.PALETTE[2])] == painted[0, :, 0, 2].tolist()
    assert torch.equal(painted[0, :, 0, 0], painted[0, :, 3, 1]), "the colours begin again"
    assert torch.equal(plot.paint(mask[0]), painted)
    names = ["background", "skin", "hair", "eyes", "brows"]
    plain, sheet = plot.images(painted), plot.images(painted, legend=names)
    assert [t.get_text() for t in sheet.axes[0].texts] == names
    below = picture(sheet)[picture(plain).shape[0] :].reshape(-1, 3).tolist()
    assert all([round(255 * c) for c in to_rgb(colour)] in below for colour in plot.PALETTE[:5])
    ink = sheet.canvas.get_renderer()
    boxes = [t.get_window_extent(ink) for t in sheet.axes[0].texts]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_history_labels_every_curve_apart_and_smooths():
    steps = list(range(0, 1000, 10))
    noisy = [1 + (-1) ** i for i in range(100)]
    sheet = plot.history({"loss_D": (steps, noisy), "loss_G": (steps, [1.0] * 100)}, smooth=10)
    ax = sheet.axes[0]
    labels = {t.get_text(): t.xy[1] for t in ax.texts}
    assert set(labels) == {"loss_D", "loss_G"} and abs(labels["loss_D"] - labels["loss_G"]) > 0.04
    mean = next(line for line in ax.lines if len(line.get_ydata()) == 91)
    assert np.allclose(mean.get_ydata(), 1)
    assert plot.history({"loss": ([0, 1], [1e3, 1.0])}).axes[0].get_yscale() == "log"


def test_curve_draws_the_baseline_in_grey():
    sheet = plot.curve({"ours": {2: 0.3, 8: 0.1}, "PCA": {2: 0.4, 8: 0.2}}, baseline="PCA", ylabel="error")
    ours, pca = sheet.axes[0].lines
    assert pca.get_color() == plot.COLOURS["baseline"] and ours.get_color() != pca.get_color()
    assert [t.get_text() for t in sheet.axes[0].get_xticklabels()] == ["2", "8"]


def test_curve_begins_at_zero_unless_told():
    psnr = {"ours": {2: 28.0, 8: 31.0}}
    assert plot.curve(psnr).axes[0].get_ylim()[0] == 0
    sheet = plot.curve(psnr, bottom=None)
    assert 27 < sheet.axes[0].get_ylim()[0] < 28
    label, line = sheet.axes[0].texts[0], sheet.axes[0].lines[0]
    assert label.xy[1] == pytest.approx(sheet.axes[0].transLimits.transform((8, 31))[1]), "beside its end"
    assert len(line.get_xdata()) == 2


def test_matrix_writes_its_numbers():
    values = torch.tensor([[0.1, 0.9], [float("nan"), 0.5]])
    sheet = plot.matrix(values, ["a", "b"], ["c", "d"], show="{:.0%}")
    ax = sheet.axes[0]
    assert [t.get_text() for t in ax.texts] == ["10%", "90%", "50%"]
    assert [t.get_position() for t in ax.texts] == [(0, 0), (1, 0), (1, 1)]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["c", "d"]
    with pytest.raises(ValueError, match="2 rows × 1 columns"):
        plot.matrix(torch.zeros(2, 2), ["a", "b"], ["c"])


def test_latent_writes_the_classes_into_their_clouds():
    z = torch.cat([torch.randn(50, 2) * 0.1, torch.randn(50, 2) * 0.1 + 5])
    sheet = plot.latent(z, torch.arange(100) // 50, classes=["near", "far"])
    near, far = sheet.axes[0].texts
    assert (near.get_text(), far.get_text()) == ("near", "far")
    assert max(map(abs, near.get_position())) < 1 and min(far.get_position()) > 4
    with pytest.raises(ValueError, match=r"z must be \(N, 2\)"):
        plot.latent(torch.zeros(5, 3), torch.zeros(5).long())


def test_text_colours_can_be_read_on_white():
    for colour in plot.PALETTE + tuple(plot.COLOURS.values()):
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(ink(colour)))
        assert 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) > 4.5


class TinyUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 4, 3, 1, 1), nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU())
        self.up, self.out = nn.Upsample(scale_factor=2), nn.Conv2d(12, 3, 1)

    def forward(self, x):
        a = self.down(x)
        return self.out(torch.cat([a, self.up(self.deep(a))], 1))


def test_network_finds_shapes_and_bridges():
    net = TinyUNet().train()
    shapes, bridges, output = trace(net, torch.zeros(2, 3, 8, 8))
    assert shapes == [(3, 8, 8), (4, 8, 8), (8, 4, 4), (8, 8, 8), (3, 8, 8)]
    assert bridges == [(1, 4)] and output.shape == (2, 3, 8, 8)
    assert net.deep.training and not net.down._forward_hooks
    texts = [t.get_text() for t in plot.network(net, torch.zeros(2, 3, 8, 8)).axes[0].texts]
    assert texts[:3] == ["8×8\n3 channels", "\n4", "4×4\n8"], "a resolution is written where it changes"


def test_network_reads_its_pictures_in_the_range():
    for values, low in (((-1, 1), 128), ((0, 1), 0)):
        ax = plot.network(torch.nn.Identity(), torch.zeros(1, 1, 8, 8), range=values).axes[0]
        assert ax.images[0].get_array().max() == low


def test_network_leaves_out_flattened_maps():
    shapes = [(3, 8, 8), (4, 4, 4), (64,), (5,), (64,), (4, 4, 4)]
    assert _without_reshapes(shapes, [(1, 5)]) == ([(3, 8, 8), (4, 4, 4), (5,), (4, 4, 4)], [(1, 3)])


def test_animation_loops_and_keeps_its_frames():
    frames = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 3, 8, 8)
    moving = plot.animation([frames, -frames], fps=10, scale=2)
    gif = Image.open(io.BytesIO(moving._repr_mimebundle_()["image/gif"]))
    assert gif.n_frames == 5 and gif.size == (2 * (8 + 2 + 8), 16) and gif.info["loop"] == 0
    assert gif.info["duration"] == 100
    gif.seek(4)
    r, *_ = gif.convert("RGB").getpixel((1, 1))
    assert r > 250


@pytest.mark.slow
def test_a_figure_is_shown_once_in_a_kernel(tmp_path):
    """Last line of a cell, middle of a cell, shown again in a later cell."""
    code = """
import nbformat, sys
from nbclient import NotebookClient
cells = ["import torch; from dlimlib import plot; x = torch.zeros(2, 1, 8, 8)",
         "plot.images(x)", "plot.images(x); 3;", "f = plot.images(x); plot.images(x)", "f", "f"]
nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
NotebookClient(nb, timeout=120, kernel_name="python3").execute()
shown = [[o.data for o in c.outputs if "data" in o] for c in nb.cells]
print([sum("image/png" in data for data in cell) for cell in shown],
      sum("image/png" not in data for cell in shown for data in cell))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.stdout.strip() == "[0, 1, 1, 2, 1, 1] 0", run.stdout + run.stderr

"""The figures: what they hold, that they show once, and that bridges are found in the real network."""

import io
import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from nbconvert import HTMLExporter
from PIL import Image
from torch import nn

import dlimlib as dl
from dlimlib import models, plot
from dlimlib.plot.diagram import trace
from dlimlib.plot.style import ink
from dlimlib.training import display


def picture(sheet):
    return np.asarray(Image.open(io.BytesIO(sheet.png())))


def drawn(sheet):
    """The texts of a figure as it is drawn, (text, box in pixels); all within the figure, none on another."""
    sheet = sheet.figure
    sheet.draw_without_rendering()
    pen = sheet.canvas.get_renderer()
    texts = [t for ax in sheet.axes for t in ax.texts if t.get_text().strip()]
    boxes = [(t.get_text(), t.get_window_extent(pen)) for t in texts]
    assert all(t.get_size() >= 12 for t in texts), "legible from the last row"
    for (a, box), (b, other) in itertools.combinations(boxes, 2):
        # a line of text is higher than its letters
        assert not box.padded(0, -3).overlaps(other.padded(0, -3)), f"{a!r} and {b!r} overlap"
    for text, box in boxes:
        assert box.x0 > -3 and box.x1 < sheet.bbox.x1 + 3 and box.y0 > -6 and box.y1 < sheet.bbox.y1 + 6, text
    return dict(boxes)


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
    heads = plot.images([x, y], titles=list("abc"), scale=4)
    assert [t.get_text() for t in heads.axes[0].texts] == [*"abc"]
    shown, tall = picture(heads), picture(plot.images([x, y], scale=4)).shape[0]
    assert (shown[-tall:] == picture(plot.images([x, y], scale=4))).all(), "no gap between rows for heads"
    assert (shown[:-tall] < 128).any(), "the heads stand above the grid"
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
    mask[0, 1, 1] = dl.data.IGNORE
    assert len(set(plot.paint(mask)[0, :, 1, 1].tolist())) == 1, "what does not count is grey"
    kept = torch.arange(16).view(4, 4) != 5
    assert torch.equal(plot.paint(mask)[..., kept], painted[..., kept])
    names = ["background", "skin", "hair", "eyes", "brows"]
    plain, sheet = plot.images(painted), plot.images(painted, legend=names)
    texts = sheet.axes[0].get_legend().texts
    assert [t.get_text() for t in texts] == names
    below = picture(sheet)[picture(plain).shape[0] :].reshape(-1, 3).tolist()
    assert all([round(255 * c) for c in to_rgb(colour)] in below for colour in plot.PALETTE[:5])
    ink = sheet.canvas.get_renderer()
    boxes = [t.get_window_extent(ink) for t in texts]
    assert all(0 <= box.x0 < box.x1 <= sheet.bbox.x1 and box.y0 >= 0 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_history_smooths_around_each_value_from_the_first_one_on():
    steps = list(range(0, 1000, 10))
    falling = [100.0 - i for i in range(100)]
    _, mean = plot.history({"loss": (steps, falling)}, smooth=10).axes[0].lines
    assert np.allclose(mean.get_xdata(), steps) and mean.get_ydata()[0] == 100
    assert np.allclose(mean.get_ydata()[:-6], falling[:-6]), (
        "a centred mean leaves a straight line where it is"
    )
    _, mean = plot.history({"loss": (steps, [1 + (-1) ** i for i in range(100)])}, smooth=10).axes[0].lines
    assert np.abs(mean.get_ydata()[5:] - 1).max() < 0.2
    _, mean = (
        plot.history({"loss": (steps, [1.0] * 50 + [float("nan")] + [1.0] * 49)}, smooth=10).axes[0].lines
    )
    assert np.allclose(mean.get_ydata(), 1), "what is not finite does not count"


def test_history_chooses_its_scale_unless_told():
    falling = {"loss": ([0, 1], [1e3, 1.0])}
    assert plot.history(falling).axes[0].get_yscale() == "log"
    assert plot.history(falling, log=False).axes[0].get_yscale() == "linear"
    assert plot.history({"loss": ([0, 1], [2.0, 1.0])}).axes[0].get_yscale() == "linear"
    assert plot.history({"loss": ([0, 1], [2.0, 1.0])}, log=True).axes[0].get_yscale() == "log"


def test_labels_stand_at_their_curves_on_every_scale():
    ends = {"loss": 1.0, "average": 11.0, "revived": 330.0}
    sheet = plot.history(
        {name: ([0, 1, 2], [1.0, y, y]) for name, y in ends.items()}, ax=plot.figure().add_subplot()
    )
    for scale in ("log", "linear"):
        sheet.set(yscale=scale)
        boxes = drawn(sheet)
        for name, y in ends.items():
            curve = sheet.transData.transform((2, y))[1]
            assert abs((boxes[name].y0 + boxes[name].y1) / 2 - curve) < 15, (scale, name)
    close = {f"loss_{k}": ([0, 1], [1.0, 0.5 + k / 1000]) for k in range(6)}
    assert len(drawn(plot.history(close))) == 6


def test_history_gives_quantities_of_other_size_panels_of_their_own():
    logged = {"loss_rec": ([0, 9], [0.1, 0.003]), "perplexity": ([0, 9], [1.0, 300.0]),
              "loss_vq": ([0, 9], [0.01, 0.001])}  # fmt: skip
    above, below = plot.history(logged).axes
    assert set(drawn(above)) == {"loss_rec", "loss_vq"} and below.get_ylabel() == "perplexity"
    assert len(below.lines) == 1 and below.lines[0].get_color() == plot.PALETTE[1], (
        "its colour in every panel"
    )
    assert len(plot.history({name: logged[name] for name in ("loss_rec", "loss_vq")}).axes) == 1
    sheet = plot.history(logged, panels=[["perplexity", "loss_rec"], ["loss_vq"]])
    assert [len(ax.lines) for ax in sheet.axes] == [2, 1]
    assert len(plot.history(logged, ax=plot.figure().add_subplot()).figure.axes) == 1
    with pytest.raises(ValueError, match="loss_G, which was not logged"):
        plot.history(logged, panels=[["loss_G"]])
    assert plot.history({"loss": ([], [])}).alt == "Nothing was logged"


def test_curve_draws_the_baseline_in_grey():
    sheet = plot.curve({"ours": {2: 0.3, 8: 0.1}, "PCA": {2: 0.4, 8: 0.2}}, baseline="PCA", ylabel="error")
    ours, pca = sheet.axes[0].lines
    assert pca.get_color() == plot.COLOURS["baseline"] and ours.get_color() != pca.get_color()
    assert [t.get_text() for t in sheet.axes[0].get_xticklabels()] == ["2", "8"]
    assert set(drawn(sheet)) == {"ours", "PCA"}


def test_curve_begins_at_zero_unless_told():
    psnr = {"ours": {2: 28.0, 8: 31.0}}
    assert plot.curve(psnr).axes[0].get_ylim()[0] == 0
    sheet = plot.curve(psnr, bottom=None)
    assert 27 < sheet.axes[0].get_ylim()[0] < 28


def test_yours_is_seen_where_it_agrees_with_the_recorded_one():
    for mine in ({2: 0.3}, {2: 0.3, 8: 0.1}):
        sheet = plot.curve({"yours": mine, "recorded": {2: 0.3, 8: 0.1}})
        recorded, yours = sheet.axes[0].lines
        assert recorded.get_linestyle() == "-" and yours.get_linestyle() == "None"
        assert yours.get_marker() == "s" and yours.get_markersize() > 2 * recorded.get_markersize() - 1
        assert yours.get_fillstyle() == "none" and yours.get_zorder() > recorded.get_zorder()
        assert set(drawn(sheet)) == {"yours", "recorded"}
    (alone,) = plot.curve({"yours": {2: 0.3, 8: 0.1}}).axes[0].lines
    assert alone.get_linestyle() == "-"


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


def boxes(sheet):
    """(x, y, width, height, colour) of the boxes of a drawing, from left to right."""
    found = [p for p in sheet.axes[0].patches if isinstance(p, Rectangle) and p.get_facecolor()[3] > 0]
    found.sort(key=lambda p: (round(p.get_x() + p.get_width() / 2, 3), -p.get_y()))
    return [(*p.get_xy(), p.get_width(), p.get_height(), p.get_facecolor()) for p in found]


def test_network_finds_shapes_and_bridges():
    net = TinyUNet().train()
    steps, output = trace(net, torch.zeros(1, 3, 8, 8))
    assert [step.shape for step in steps] == [(3, 8, 8), (4, 8, 8), (8, 4, 4), (12, 8, 8), (3, 8, 8)]
    assert steps[3].sources == [1, 2] and steps[3].parts == [4, 8] and output.shape == (1, 3, 8, 8)
    assert net.deep.training
    sheet = plot.network(net, torch.zeros(2, 3, 8, 8))
    assert set(drawn(sheet)) == {"4", "8", "8×8", "4×4"}
    assert sheet.alt.startswith("Drawing of a network, 1 bridge; shapes on its way: 3×8×8 → 4×8×8 →")


def test_a_unet_is_a_u():
    net = TinyUNet()
    net.out = nn.Conv2d(12, 5, 1)  # five classes: their map is painted
    sheet = plot.network(net, torch.zeros(1, 3, 8, 8))
    first, deep, bridge, grown, logits = boxes(sheet)
    assert first[0] < deep[0] + deep[2] and deep[1] < first[1] and deep[3] < first[3], (
        "downwards, and smaller"
    )
    assert bridge[1] == first[1] == grown[1] == logits[1], "the other arm stands as high"
    assert bridge[0] + bridge[2] == pytest.approx(grown[0]), "what is concatenated is joined"
    assert bridge[4] == to_rgba(plot.COLOURS["bridge"]) and grown[4] == to_rgba(plot.COLOURS["real"])
    picture, painted = sheet.axes[0].images
    assert painted.get_extent()[0] > logits[0] and painted.get_array().shape == (8, 8, 3)
    drawn(sheet)


def test_a_bridge_leads_over_the_boxes_between():
    net = TinyUNet()
    net.up, net.out = nn.Sequential(net.up, nn.Conv2d(8, 6, 1)), nn.Conv2d(10, 3, 1)
    sheet = plot.network(net, torch.zeros(1, 3, 8, 8))
    ways = [p for p in sheet.axes[0].patches if to_hex(p.get_edgecolor()).upper() == plot.COLOURS["bridge"]]
    (path,) = (way.get_path().vertices for way in ways)
    assert path[:, 1].max() > max(bottom + height for _, bottom, _, height, _ in boxes(sheet))


def test_an_hourglass_narrows_and_its_code_is_the_smallest_box():
    net = nn.Sequential(models.face_encoder((3, 64, 64), 64), models.face_decoder((3, 64, 64), 64))
    sheet = plot.network(net, torch.zeros(1, 3, 64, 64))
    heights = [box[3] for box in boxes(sheet)]
    assert len(heights) == 9 and heights == heights[::-1], "4 maps, the code, 4 maps"
    assert heights[:5] == sorted(set(heights), reverse=True), "narrower with every step"
    code = boxes(sheet)[4]
    assert code[4] == to_rgba(plot.COLOURS["fake"]) and code[2] * code[3] == min(
        b[2] * b[3] for b in boxes(sheet)
    )
    assert set(drawn(sheet)) >= {"64×64", "16×16", "numbers", "96"}
    assert sheet.get_figwidth() <= 10.6, "as wide as a page"


def test_network_leaves_out_what_changes_no_shape():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Conv2d(6, 3, 1), nn.ReLU(), nn.Conv2d(3, 6, 1))

        def forward(self, x):
            side = x.mean(1, keepdim=True).exp()  # leads nowhere
            return x + self.f(x) + 0 * side.shape[0]

    down = nn.Sequential(nn.Conv2d(3, 6, 2, 2), Residual(), Residual(), nn.Flatten(), nn.Linear(96, 5))
    up = [nn.Linear(5, 96), nn.Unflatten(1, (6, 4, 4)), nn.Conv2d(6, 12, 1), nn.PixelShuffle(2)]
    net = nn.Sequential(down, *up)
    steps, _ = trace(net, torch.zeros(1, 3, 8, 8))
    assert [step.shape for step in steps] == [(3, 8, 8), (6, 4, 4), (5,), (6, 4, 4), (3, 8, 8)]
    steps, _ = trace(
        nn.Sequential(nn.Unflatten(1, (9, 1, 1)), nn.ConvTranspose2d(9, 4, 4)), torch.zeros(1, 9)
    )
    assert [step.shape for step in steps] == [(9,), (4, 4, 4)]


def test_network_shows_a_condition_that_comes_from_elsewhere():
    class Given(nn.Module):
        def forward(self, z):
            return torch.cat([z, torch.ones(len(z), 3)], 1)

    code, given, joined = boxes(plot.network(Given(), torch.zeros(1, 5)))
    assert code[4] == joined[4] == to_rgba(plot.COLOURS["fake"])
    assert given[4] == to_rgba(plot.COLOURS["baseline"]) and given[0] + given[2] == pytest.approx(joined[0])


def test_network_reads_its_pictures_in_the_range():
    for values, low in (((-1, 1), 128), ((0, 1), 0)):
        ax = plot.network(torch.nn.Identity(), torch.zeros(1, 1, 8, 8), range=values).axes[0]
        assert ax.images[0].get_array().max() == low


# --------------------------------------------------------------------------------------------- schematics

VAE = """
    .  .  mu     +        z  D  x_hat
    x  E  .      .        .  .  .
    .  .  sigma  *        .  .  .
    .  .  .      epsilon  .  .  .
"""
VAE_ARROWS = ["x -> E -> mu -> + -> z -> D -> x_hat", "E -> sigma -> * -> +", "epsilon -> *: from outside"]
VQ = """
    x  E  z  (nearest)  i  (look_up)  z_q  D  x_hat
    .  .  .  codebook   .  .          .    .  .
"""
VQ_ARROWS = ["x -> E -> z -> nearest -> i -> look_up -> z_q -> D -> x_hat", "codebook -> nearest",
             "codebook -> look_up", "z_q ~> z: the gradient"]  # fmt: skip
GAN = """
    .  .  x_real  .  .
    z  G  x_fake  D  loss
"""
GAN_ARROWS = ["z -> G -> x_fake -> D -> loss", "x_real -> D", "loss ~> D", "loss ~> G: gradient"]
CYCLE = """
    .    .    G  .    .
    D_A  x_A  .  x_B  D_B
    .    .    F  .    .
"""
CYCLE_ARROWS = ["x_A -> G -> x_B", "x_B -> F -> x_A: and back", "x_A -> D_A", "x_B -> D_B"]
STYLE = """
    z  M  w  .    .    .
    .  .  c  G_4  G_8  x_fake
    .  .  .  n_1  n_2  .
"""
STYLE_ARROWS = [
    "z -> M -> w",
    "w -> G_4",
    "w -> G_8",
    "c -> G_4 -> G_8 -> x_fake",
    "n_1 -> G_4",
    "n_2 -> G_8",
]
MODELS = {"VAE": (VAE, VAE_ARROWS), "VQ": (VQ, VQ_ARROWS), "GAN": (GAN, GAN_ARROWS),
          "cycle": (CYCLE, CYCLE_ARROWS), "style": (STYLE, STYLE_ARROWS)}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_schematic_has_every_part_once_and_no_arrow_through_a_box(model):
    layout, arrows = MODELS[model]
    names = set(layout.replace("(", " ").replace(")", " ").split()) - {"."}
    pictures = {name: torch.zeros(3, 8, 8) for name in names if name.startswith("x")}
    notes = {"D": "decoder"} if "D" in names else {}
    sheet = plot.schematic(layout, arrows, notes=notes, images=pictures)
    assert len(drawn(sheet)) == len(names) + ("D" in names) + sum(":" in text for text in arrows)
    ax = sheet.axes[0]
    parts = [p.get_window_extent() for p in ax.patches if isinstance(p, FancyBboxPatch)]
    parts += [image.get_window_extent() for image in ax.images]
    assert len(parts) == len(names) and not any(a.overlaps(b) for a, b in itertools.combinations(parts, 2))
    for wire in (p for p in ax.patches if type(p) is PathPatch):
        (line,) = wire.get_transform().transform_path(wire.get_path()).to_polygons(closed_only=False)
        way = np.concatenate([np.linspace(a, b, 20) for a, b in itertools.pairwise(line)])
        inside = [box for box in parts if any(box.padded(-3).contains(*point) for point in way)]
        assert not inside, "an arrow goes through a box"
    assert sheet.get_figwidth() <= 10.6


def test_a_schematic_has_the_courses_colours_and_says_its_arrows():
    sheet = plot.schematic(
        "x_real  D  loss\nx_fake  E_A .", ["x_real -> D -> loss", "x_fake -> D", "loss ~> D: grad"]
    )
    edges = {
        to_hex(p.get_edgecolor()).upper() for p in sheet.axes[0].patches if isinstance(p, FancyBboxPatch)
    }
    assert edges >= {plot.COLOURS["real"], plot.COLOURS["fake"], plot.COLOURS["bridge"]}
    assert to_hex(ink(plot.COLOURS["A"])).upper() in edges
    assert sheet.alt == "Diagram: x_real to D; D to loss; x_fake to D; loss back to D (grad)"
    texts = [t.get_text() for t in sheet.axes[0].texts]
    assert r"$x_{\mathrm{real}}$" in texts and "$E_{A}$" in texts
    dashed = [p for p in sheet.axes[0].patches if type(p) is PathPatch and p.get_linestyle() != "-"]
    assert [to_hex(p.get_edgecolor()).upper() for p in dashed] == [plot.COLOURS["bridge"]]
    sheet = plot.schematic("x E", ["x -> E"], colours={"E": "B"})
    assert any(to_hex(p.get_edgecolor()) == to_hex(ink(plot.COLOURS["B"])) for p in sheet.axes[0].patches)


def test_schematics_say_what_is_wrong():
    with pytest.raises(ValueError, match="'F', which is not in the layout; it has x, G"):
        plot.schematic("x G", ["x -> F"])
    with pytest.raises(ValueError, match="x stands twice"):
        plot.schematic("x G x", [])
    with pytest.raises(ValueError, match="written a -> b"):
        plot.schematic("x G", ["x"])
    with pytest.raises(ValueError, match="notes name y"):
        plot.schematic("x G", ["x -> G"], notes={"y": "what?"})


def test_a_closed_figure_is_held_by_nobody(monkeypatch):
    """A training redraws its figure in one cell, for hours; the inline backend keeps all until its end."""
    inline = pytest.importorskip("matplotlib_inline.backend_inline")
    before = plt.get_backend()
    plt.switch_backend("module://matplotlib_inline.backend_inline")
    monkeypatch.setattr(inline.show, "_to_draw", [])
    try:
        with plt.ion():
            sheet, other = plot.figure(3, 2), plot.figure(3, 2)
            assert inline.show._to_draw == [sheet, other], "so the backend works: else this test says nothing"
            display.pixels(sheet)
            assert inline.show._to_draw == [other] and plt.get_fignums() == [other.number]
    finally:
        plt.close("all")
        plt.switch_backend(before)


def test_animation_loops_and_keeps_its_frames():
    frames = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 3, 8, 8)
    moving = plot.animation([frames, -frames], fps=10, scale=2)
    data, metadata = moving._repr_mimebundle_()
    gif = Image.open(io.BytesIO(data["image/gif"]))
    assert (
        metadata["image/gif"]["alt"] == "Animation of 2 pictures side by side, 5 frames" == data["text/plain"]
    )
    assert plot.animation(frames, alt="A ball falls").alt == "A ball falls"
    assert gif.n_frames == 5 and gif.size == (2 * (8 + 2 + 8), 16) and gif.info["loop"] == 0
    assert gif.info["duration"] == 100
    gif.seek(4)
    r, *_ = gif.convert("RGB").getpixel((1, 1))
    assert r > 250


def test_pictures_say_what_they_show():
    x = torch.zeros(6, 1, 8, 8)
    assert (
        plot.images([x, x], rows=["picture", "the\nmodel"]).alt
        == "Grid of 2 rows of 6 pictures: picture, the model"
    )
    assert plot.images(x[:2], titles=["a", "b"]).alt == "Grid of 2 pictures: a, b"
    assert plot.images(x[0]).alt == "1 picture" and plot.images(x, alt="Six zeros").alt == "Six zeros"
    steps = ([0, 1200], [1.0, 0.5])
    assert plot.history({"loss_D": steps, "loss_G": steps}).alt == "Curves of loss_D, loss_G over 1,200 steps"
    assert (
        plot.curve({"PCA": {1: 2}}, xlabel="numbers", ylabel="error").alt
        == "Curves of PCA: error over numbers"
    )
    said = plot.matrix(torch.zeros(1, 2), ["skin"], ["near", "far"]).alt
    assert said == "Table of 1 × 2 numbers; row: skin; columns: near, far"
    said = plot.latent(torch.zeros(4, 2), torch.tensor([0, 0, 1, 1]), ["zero", "one"]).alt
    assert said == "Cloud of 4 points in the plane of a code's two numbers, coloured by class: zero, one"
    sheet = plot.figure(8, 4)
    left, right = sheet.subplots(1, 2)
    plot.images(x, ax=left)
    right.plot([1, 2], label="near")
    right.set(title="errors", xlabel="place", ylabel="mistakes")
    assert sheet.alt == "Grid of 6 pictures; Plot: errors, mistakes over place: near"
    sheet.alt = "Two panels"
    assert sheet.alt == "Two panels" == plot.figure(alt="Two panels").alt


CELLS = ["import torch; from dlimlib import plot; x = torch.zeros(2, 1, 8, 8)",
         "plot.images(x)", "plot.images(x); 3;", "f = plot.images(x); plot.images(x)", "f", "f",
         "import os, dlimlib as dl; os.environ['DLIM_PROFILE'] = 'cpu'\n"
         "run = dl.Run('toy', [x], steps=1, preview=lambda: x)\nfor _ in run: run.log(loss=1.0)",
         "dl.explore.sliders(lambda smile: x[0] + smile, smile=(-1, 1, 0.25))",
         "dl.explore.click(x[0], lambda a, b: x[0])"]  # fmt: skip


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook of CELLS, executed."""
    path = tmp_path_factory.mktemp("kernel") / "toy.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]), path)
    code = """
import nbformat, sys
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
NotebookClient(nb, timeout=120, kernel_name="python3").execute()
nbformat.write(nb, sys.argv[1])
"""
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return nbformat.read(path, 4)


@pytest.mark.slow
def test_a_figure_is_shown_once_in_a_kernel(executed):
    """Last line of a cell, middle of a cell, shown again in a later cell."""
    shown = [[o.data for o in cell.outputs if "data" in o] for cell in executed.cells[:6]]
    assert [sum("image/png" in data for data in cell) for cell in shown] == [0, 1, 1, 2, 1, 1]
    assert all("image/png" in data for cell in shown for data in cell)


@pytest.mark.slow
def test_every_stored_picture_has_a_text_alternative(executed):
    outputs = [o for cell in executed.cells for o in cell.outputs if "image/png" in o.get("data", {})]
    said = [o.metadata["image/png"]["alt"] for o in outputs]
    assert said == ["Grid of 2 pictures"] * 6 + [
        "Curves of loss over 0 steps; below: Grid of 2 pictures",
        "Still of a widget: a picture and sliders smile from -1 to 1 at 0.25; buttons Reset, Random, Back",
        "Still of a widget: a picture and a map to click on, marked at x = 4.00, y = 4.00; "
        "buttons Reset, Back",
    ]
    ours = {"template_name": "page", "extra_template_basedirs": [str(Path(dl.__file__).parent / "course")]}
    for options in (ours, {"template_name": "classic"}):  # nbconvert's own "lab" leaves them out
        page, _ = HTMLExporter(**options).from_notebook_node(executed)
        assert "No description has been provided" not in page and page.count('alt="Grid of 2 pictures"') == 6


def test_landscape_has_its_colours_on_the_right_side_and_its_points_in_place():
    right = torch.tensor([[1.9, 0.0], [9.0, 9.0]])  # the second lies outside: at the corner
    painted = plot.landscape(lambda x: 5 * x[:, 1], {"real": right}, span=2.0, pixels=21)
    assert painted.shape == (3, 21, 21) and -1 <= painted.min() <= painted.max() <= 1
    red, _, blue = painted
    assert blue[0, 5] > red[0, 5], "high values, at the top, are blue"
    assert red[-1, 5] > blue[-1, 5], "low ones, at the bottom, are orange"
    assert painted[:, 10, 10].min() > 0.99, "the mean is white"
    dark = torch.tensor([-1, -0.6, -0.2])
    assert torch.allclose(painted[:, 10, 20], dark) and torch.allclose(painted[:, 0, 20], dark)
    clouds = {"real": torch.tensor([[0.0, 1.0]]), "fake": torch.tensor([[0.0, 0.2]])}
    red, _, blue = plot.landscape(lambda x: 40 * x[:, 1] + 900 * (x[:, 0] > 1.5), clouds, span=2.0, pixels=21)
    assert blue[5, 5] - red[5, 5] > 0.3, "what it says of real ones is blue, however high it rises"
    assert red[9, 5] - blue[9, 5] > 0.3, "what it says of the generated ones is orange"


def test_seeds_are_dots_in_the_row_of_their_label():
    sheet = plot.seeds({"one": {"seeds": [1, 2, 3]}, "none": {"seeds": []}, "two": {"seeds": [5.0]}}, goal=4)
    (ax,) = sheet.axes
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in dots] == [[1, 2, 3], [], [5]]
    assert np.allclose(dots[0].get_ydata(), [-0.12, 0, 0.12]) and dots[2].get_ydata().tolist() == [2]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["one", "none", "two"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is at the top"
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"] == [4]
    assert "one, none, two" in sheet.alt
    assert plot.seeds({"one": {"seeds": [1]}}, ax) is ax

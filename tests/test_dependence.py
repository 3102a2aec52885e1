"""A training trains anew exactly when something that it depends on has changed."""

import shutil
from functools import cache
from pathlib import Path

import nbformat
import pytest

import dlimlib
from dlimlib.course import dependence, refresh
from dlimlib.course import notebook as nbs
from dlimlib.course.dependence import library

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0[1-8]_*.ipynb"))

CELLS = {
    "title": "# Small",
    "bootstrap": "import dlimlib",
    "imports": "import math\nimport torch\nfrom torch import nn\nimport dlimlib as dl",
    "settings": """
STEPS = dl.budget(smoke=3, cpu=300, gpu=6_000)
SHORT, SEED = 20, 0
PRETRAINED = True
dl.seed(SEED)""",
    "data": 'train = dl.data.load("toy-digits")\nx_test = train.float()[:9]\ndl.plot.images(x_test)',
    "look": "pixels = x_test.mean().item()\nprint(pixels)",
    "loss": 'def loss(a, b):\n    """Squared."""\n    return ((a - b) ** 2).mean()',
    "build": "dl.seed(SEED)\nnet = nn.Linear(784, 784)\nprint(net)",
    "train": """
opt = torch.optim.Adam(net.parameters())
batches = train.batches(8, value_range=(0, 1))
run = dl.Run("small", batches, steps=STEPS, preview=lambda: net(x_test), net=net, opt=opt)
for x, y in run:
    E = loss(net(x.flatten(1)), x.flatten(1))
    opt.zero_grad()
    E.backward()
    opt.step()
    run.log(E=E)
dl.plot.history(run)""",
    "load": 'dl.pretrained.load("small", use=PRETRAINED, net=net)\nnet.eval()\nmade = net(x_test.flatten(1))',
    "show": "dl.plot.images(made.view(-1, 1, 28, 28))",
    "short": """
NOTES = {}

def train_short(name, width, data=train):
    dl.seed(SEED)
    E, D = nn.Linear(784, width), nn.Linear(width, 784)
    run = dl.Run(f"small-{name}", data.batches(8), steps=SHORT, quiet=True, E=E, D=D)
    for x, y in run:
        run.log(E=loss(D(E(x.flatten(1))), x.flatten(1)))
    NOTES[name] = run.history
    return D.eval()""",
    "sweep": "WIDTHS = dl.budget(smoke=[2], cpu=[2], gpu=[2, 4])\nnets = [train_short(w, w) for w in WIDTHS]",
    "sweep-plot": "fig = dl.plot.figure(3, 3)\nfig.suptitle(len(nets))\nfig",
    "face": "dl.seed(SEED)\nE_face = dl.models.face_encoder((3, 64, 64), 8)\nE_face.train()",
    "faces": """
for x, _ in dl.Run("small-faces", dl.data.load("toy-faces").batches(8), steps=3, E=E_face):
    pass""",
    "text": "The end.",
}


def notebook(changes=(), add=()):
    """The small notebook with texts of cells replaced, (cell, old, new), and some added, (before, source)."""
    cells = dict(CELLS)
    for cell, old, new in changes:
        assert old in cells[cell]
        cells[cell] = cells[cell].replace(old, new)
    nb = nbformat.v4.new_notebook()
    for name, source in cells.items():
        nb.cells += [
            nbformat.v4.new_code_cell(text, id=f"new{i}") for i, (b, text) in enumerate(add) if b == name
        ]
        new = nbformat.v4.new_markdown_cell if name in ("title", "text") else nbformat.v4.new_code_cell
        nb.cells.append(new(source.strip(), id=name))
    return nb


def keys(nb, profile="gpu"):
    """{cell: keys of its trainings} of a notebook."""
    book, found = dependence.Notebook(nb, profile), {}
    for numbers in book.trainings().values():
        found.setdefault(book.units[numbers[0]].cell, []).append(dependence.key(book.parts(numbers)))
    return found


def changed(nb):
    """The cells whose trainings would train anew."""
    before, after = usual(), keys(nb)
    assert before.keys() == after.keys()
    return {cell for cell in before if before[cell] != after[cell]}


@cache
def usual():
    return keys(notebook())


def test_every_training_is_found():
    assert {cell: len(found) for cell, found in usual().items()} == {"train": 1, "sweep": 1, "faces": 1}


def test_a_training_in_a_loop_may_be_the_last_cell():
    last = "for width in (2, 3):\n    train_short(f'last-{width}', width)"
    assert len(keys(notebook(add=[("text", last)]))) == 4


@pytest.mark.parametrize(
    "cell, old, new",
    [
        ("text", "The end.", "Another end."),
        ("imports", "import math", "import math, os\nfrom pathlib import Path"),
        ("imports", "from torch import nn", "from torch import nn, optim"),
        ("imports", "from torch import nn", "import torch.nn as nn"),
        ("loss", "Squared.", "The squared error."),
        ("loss", "return", "# a comment\n    return"),
        ("settings", "cpu=300", "cpu=400"),
        ("settings", "PRETRAINED = True", "PRETRAINED = False\nOTHER = 3"),
        ("data", "dl.plot.images(x_test)", "dl.plot.images(x_test[:3], titles='three')"),
        ("look", "pixels", "brightness"),
        ("look", "print(pixels)", "print(torch.rand(3), pixels)"),
        ("build", "print(net)", "dl.plot.network(net, x_test)"),
        ("train", "preview=lambda: net(x_test)", "quiet=True"),
        ("train", "dl.plot.history(run)", "display(dl.plot.history(run, log='y'))"),
        ("show", "made.view(-1, 1, 28, 28)", "made.view(-1, 1, 28, 28), cols=3"),
        ("sweep-plot", "3, 3", "4, 4"),
        ("load", "made", "shown = made"),
        ("look", "print(pixels)", "if SHORT:\n    print(pixels)"),
        ("train", "preview=lambda: net(x_test)", "preview=lambda: net(x_test), film=3"),
        ("short", "quiet=True", "quiet=False"),
    ],
)
def test_what_makes_no_numbers_keeps_every_training(cell, old, new):
    assert changed(notebook([(cell, old, new)])) == set()


@pytest.mark.parametrize(
    "cell, old, new, anew",
    [
        ("loss", "** 2", "** 4", {"train", "sweep"}),
        ("settings", "gpu=6_000", "gpu=7_000", {"train"}),
        ("settings", "SHORT, SEED = 20, 0", "SHORT, SEED = 30, 0", {"sweep"}),
        ("settings", "SHORT, SEED = 20, 0", "SHORT, SEED = 20, 1", {"train", "sweep", "faces"}),
        ("data", '"toy-digits"', '"mnist"', {"train", "sweep"}),
        ("build", "net =", "torch.rand(3)\nnet =", {"train"}),
        ("build", "dl.seed(SEED)", "dl.seed(SEED + 1)", {"train"}),
        ("sweep", "gpu=[2, 4]", "gpu=[2, 8]", {"sweep"}),
        ("short", "data.batches(8)", "data.batches(16)", {"sweep"}),
        ("train", "opt.step()", "opt.step()\n    net.weight.data.clamp_(-1, 1)", {"train"}),
        ("face", "8)", "9)", {"faces"}),
        ("face", "E_face.train()", "E_face.eval()", {"faces"}),
    ],
)
def test_what_a_training_depends_on_trains_exactly_the_dependents_anew(cell, old, new, anew):
    assert changed(notebook([(cell, old, new)])) == anew


@pytest.mark.parametrize(
    "before, source, anew",
    [
        ("build", "train.x[0] = 0", {"train", "sweep"}),
        ("build", "view = train.x\nview += 1", {"train", "sweep"}),
        ("build", "for part in (train.x, 3):\n    part.clamp_(0, 9)", {"train", "sweep"}),
        ("build", "def spoil(images):\n    images.x.zero_()\n\nhow = spoil(train)", {"train", "sweep"}),
        ("build", "def spoil():\n    train.x.zero_()\n\n[spoil() for _ in range(3)]", {"train", "sweep"}),
        ("build", "def spoil():\n    global train\n    train = train[:5]\n\nspoil()", {"train", "sweep"}),
        ("build", "view = train.x.float()\nview += 1", {"train", "sweep"}),  # the same tensor if it is float
        ("build", "setattr(train, 'x', 3)", {"train", "sweep"}),
        ("build", "look = [train]\nlook[0].x = None", {"train", "sweep"}),
        ("build", "SHORT += 1", {"sweep"}),
        ("build", "if pixels > 0:\n    SHORT = 5", {"sweep"}),
        ("train", "nn.init.zeros_(net.weight)", {"train"}),
        ("train", "weights = net.weight\nweights.data.zero_()", {"train"}),
        ("train", "out = net(x_test.flatten(1))", {"train"}),  # batch norms would have changed
        ("train", "opt = None", set()),
        ("faces", "exec('SEED = 1')", {"faces"}),
        ("build", "from os import *", {"train", "sweep", "faces"}),
        ("build", "%run other.py", {"train", "sweep", "faces"}),
        ("build", "globals()['train'] = 0", {"train", "sweep", "faces"}),
        ("build", "%matplotlib inline", set()),
        ("build", "dl.seed(7)", set()),  # seeded again below
        ("train", "if pixels > 0:\n    net.eval()\nout = net(x_test)", {"train"}),
        ("faces", "g = torch.Generator().manual_seed(3)\ntorch.randn(3, generator=g)", set()),
    ],
)
def test_a_cell_above_counts_if_it_may_change_what_is_read(before, source, anew):
    assert changed(notebook(add=[(before, source)])) == anew


def test_a_mutation_of_what_batches_were_made_from_is_not_missed():
    source = "train.x[0] = 0\nrun ="
    assert changed(notebook([("train", "run =", source)])) == {"train", "sweep"}


def test_random_numbers_that_nobody_seeded_count():
    """The last training draws nothing, but its network is built from numbers that go on from those above."""
    noise = [("face", "noise = torch.randn(3)")]
    assert changed(notebook(add=noise)) == set()
    unseeded = [("face", "dl.seed(SEED)\n", "")]
    assert keys(notebook(unseeded))["faces"] != keys(notebook(unseeded, noise))["faces"]
    assert keys(notebook(unseeded))["train"] == keys(notebook(unseeded, noise))["train"]


def test_a_seed_in_a_branch_is_none():
    """def start(n): if n: dl.seed(n), so the random numbers from above may go on."""
    maybe = [("face", "dl.seed(SEED)", "def start(n):\n    if n:\n        dl.seed(n)\n\nstart(SEED)")]
    noise = [("face", "noise = torch.randn(3)")]
    assert keys(notebook(maybe))["faces"] != keys(notebook(maybe, noise))["faces"]


def test_another_order_of_independent_cells_keeps_everything():
    nb = notebook()
    ids = [cell.id for cell in nb.cells]
    i, j = ids.index("look"), ids.index("loss")
    nb.cells[i], nb.cells[j] = nb.cells[j], nb.cells[i]
    assert changed(nb) == set()


def test_changed_sources_of_dlimlib_train_their_dependents(monkeypatch, tmp_path):
    shutil.copytree(library.ROOT, tmp_path / "dlimlib", ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    before = usual()

    def edit(file, old, new):
        path = tmp_path / "dlimlib" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        library._definitions.cache_clear()

    monkeypatch.setattr(library, "ROOT", tmp_path / "dlimlib")
    edit("models.py", '"""Notebook 01\'s encoder', '"""The encoder of notebook 01')
    edit("plot/grids.py", "def images(", "def images(other=1, *, ")
    assert changed(notebook()) == set()
    edit("models.py", "nn.LeakyReLU(0.1)", "nn.LeakyReLU(0.2)")
    assert changed(notebook()) == {"faces"}, "by a function that the one it calls uses"
    edit("models.py", "nn.LeakyReLU(0.2)", "nn.LeakyReLU(0.1)")
    edit("data/batches.py", "torch.randperm(n,", "torch.randperm(n + 0,")
    assert changed(notebook()) == {"train", "sweep", "faces"}
    library._definitions.cache_clear()
    assert usual() is before


def test_a_new_version_of_the_data_trains_its_dependents(monkeypatch):
    usual()
    monkeypatch.setattr(dlimlib.data.faces, "VERSION", "next")
    assert changed(notebook()) == {"faces"}


def test_it_says_what_changed():
    one, two = (
        dependence.Notebook(notebook(c), "gpu")
        for c in ((), [("loss", "** 2", "** 4"), ("settings", "20", "30")])
    )
    parts = [next(book.parts(n) for n in book.trainings().values() if book.units[n[0]].cell == "sweep")
             for book in (one, two)]  # fmt: skip
    assert dependence.why(*parts) == "SHORT, loss"


def test_a_line_leads_to_its_training():
    book = dependence.Notebook(notebook(), "gpu")
    index = next(i for i, cell in nbs.code(notebook()) if cell.id == "train")
    assert [book.units[n].cell for n in book.at(index, 3)] == ["train"]
    assert dependence.key(book.parts(book.at(index, 3))) == usual()["train"][0]


# ---------------------------------------------------------------------------------------- refreshing


def test_a_refresh_leaves_out_what_shows_a_missing_training():
    nb = notebook()
    book, ids = dependence.Notebook(nb, "gpu"), [cell.id for cell in nb.cells]
    stored = {"small"}
    plan = {ids[i]: code for i, code in refresh.plan(book, set(), stored.__contains__).items()}
    assert plan.keys() == {"train", "sweep", "sweep-plot", "faces"}, "show has the stored weights"
    assert "for x, y in run" in plan["train"], "the network is there to load weights into; the Run is empty"
    assert plan["sweep"] == plan["sweep-plot"] == "", "nothing else needs what they make"
    sharing = notebook([("sweep-plot", "fig =", "GREY = 3\nfig =")], add=[("face", "print(GREY)")])
    code = refresh.plan(dependence.Notebook(sharing, "gpu"), set(), stored.__contains__)
    assert "GREY = 3" in code.values()
    nothing = {ids[i] for i in refresh.plan(book, set(), lambda name: False)}
    assert nothing == {"train", "load", "show", "sweep", "sweep-plot", "faces"}
    known = {key for found in usual().values() for key in found}
    assert refresh.plan(book, known, lambda name: False) == {}


# ---------------------------------------------------------------------------------------- the real ones


RULES = """
from functools import partial
from typing import NamedTuple

class Rules(NamedTuple):
    loss: object
    share: float = 1.0

rules = Rules(lambda a, b: (a - b).abs().mean())
spoiling = Rules(lambda a, b: train.x.zero_())
to_zero = partial(loss, b=0.0)
wiping = partial(torch.Tensor.zero_, train.x)
"""


@pytest.mark.parametrize(
    "after, anew",
    [
        ("held = {'rules': rules}\nfor name in held:\n    held[name].loss(made, made)", set()),
        ("held = [rules._replace(share=2.0)]\nheld[0].loss(made, made)", set()),
        ("held = [spoiling]\nheld[0].loss(made, made)", {"sweep"}),
        ("held = [to_zero]\nheld[0](made)", set()),
        ("held = [wiping]\nheld[0]()", {"sweep"}),
    ],
)
def test_functions_that_change_nothing_are_not_changed_by_use_in_tuples_and_partials(after, anew):
    """Else the trainings of one section, which hold the rules of a game, would spoil those of the next."""
    read = [("short", "loss(D(", "(rules.loss if spoiling.share and to_zero and wiping else loss)(D(")]
    plain = keys(notebook(read, [("train", RULES)]))
    used = keys(notebook(read, [("train", RULES), ("short", after)]))
    assert {cell for cell in plain if plain[cell] != used[cell]} == anew


AVERAGE = """
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

even = get_ema_multi_avg_fn(0.9)
"""
SIZED = """
def sized(images):
    shape = tuple(images.x.shape[1:])
    return nn.Linear(shape[1], 1)

held = sized(train)
held.weight.zero_()
"""


@pytest.mark.parametrize(
    "after, anew",
    [
        ("held = AveragedModel(net, multi_avg_fn=even)\nheld.eval()\nheld.reset()", set()),
        (SIZED, set()),
        (SIZED.replace("nn.Linear(shape[1], 1)", "images.x"), {"sweep"}),
    ],
)
def test_what_holds_no_more_than_a_function_or_a_size_shares_nothing(after, anew):
    """Else whoever judges an averaged generator would spoil the data of the next training."""
    read = [("short", "return D.eval()", "return AveragedModel(D, multi_avg_fn=even)")]
    plain = keys(notebook(read, [("train", AVERAGE)]))
    used = keys(notebook(read, [("train", AVERAGE), ("sweep", after)]))
    assert {cell for cell in plain if plain[cell] != used[cell]} == anew


PLAY = """
def play(game, run, rate=1.0):
    for x, y in run:
        run.log(E=rate * loss(net(x.flatten(1)), x.flatten(1)))

run = dl.Run("small", train.batches(8), steps=STEPS, net=net)
{}"""


@pytest.mark.parametrize(
    "call, anew",
    [
        ("play(1, run, 2.0)", {"train"}),
        ("seen = play(1, run=run)", {"train"}),
        ("play(run, 1)", set()),  # what it does not loop over it does not train
        ("dl.plot.history(run)", set()),
    ],
)
def test_a_run_that_is_handed_to_a_function_which_loops_over_it(call, anew):
    """The training of two statements: one opens the Run, the next one plays it."""
    before = keys(notebook([("train", CELLS["train"], PLAY.format(call))]))
    faster = PLAY.replace("rate * loss", "2 * rate * loss").format(call)
    after = keys(notebook([("train", CELLS["train"], faster)]))
    assert {cell for cell in before if before[cell] != after[cell]} == anew


@cache
def real(stem):
    nb = nbs.read(next(path for path in NOTEBOOKS if path.stem == stem))
    return nb, keys(nb)


PICTURES_05 = {"training", "short", "real-train", "faces-train"}
PICTURES_06 = {"short", "training", "rival", "real-train", "faces-train"}
ALL_07 = {"training", "rivals-train", "short-train", "rough-train", "directions-train"}
UNPAIRED_08 = {"training", "free-train", "ablation", "unbalanced-train", "second-train"}
EDITS = {  # notebook: (cell, old, new, cells that train anew)
    "01_autoencoder": [
        ("settings", "Z_DIM = 64", "Z_DIM = 32", {"training", "plain-train", "people-train", "other-train"}),
        ("deepfake_loss", ".abs()", ".square()", {"plain-train"}),
        ("random-codes-code", "dl.seed(SEED)", "dl.seed(3)", set()),
        ("attributes", "1.5", "2.5", set()),
        ("sweep", "lr=3e-3", "lr=1e-3", {"sweep"}),
        ("people-decoder", "0.01", "0.02", {"people-train", "other-train"}),
    ],
    "02_unet": [
        ("dice_loss", "+ 1)", "+ 2)", {"training", "bridges", "levels", "pictures", "losses", "noise"}),
        ("class_weights", "occurs = n > 0", "occurs = n > 1", {"losses"}),
        ("settings", "gpu=600)", "gpu=700)", {"bridges", "levels", "pictures", "losses", "noise"}),
        ("bridges", "join(x, x)", "join(x, -x)", {"bridges"}),
        ("bridges-plot", "[-7:]", "[-5:]", set()),
        ("levels", "xlabel", "ylabel", set()),
    ],
    "03_vae": [
        ("free_bits", "mean(0)", "sum(0)", {"collapse-code"}),
        ("vae_loss", "alpha * E_rec", "E_rec", {"training", "sweep", "real-train", "faces-train"}),
        ("sweep", "> 0.05", "> 0.1", set()),
        ("holes-code", "dl.seed(SEED)", "dl.seed(SEED + 1)", set()),
    ],
    "04_vqvae": [
        ("classifier-build", "half(c, 64)", "half(c, 32)", {"classifier-train"}),
        ("shift", "columns, 0, rows, 0", "columns, 0, rows, 1",
         {"prior-train", "coded-train", "two-prior-train", "photos-train"}),
        ("rate", "few = min(n, 60)", "few = min(n, 50)", set()),
        ("two-class", "2 * width // 3", "width // 3", {"two-train", "two-prior-train", "photos-train"}),
    ],
    "05_gan": [
        ("games", "gamma=0.05", "gamma=0.04", {"contest"}),
        ("games", "gamma / 2", "gamma", {"contest", *PICTURES_05}),
        ("generator_loss", ".detach()", "", {"contest", *PICTURES_05}),
        ("points-data", "1.4 *", "1.3 *", {"contest"}),
        ("training-function", "LR, GAMMA = 1e-3", "LR, GAMMA = 2e-3", PICTURES_05),
        ("points-nets", "400", "300", set()),
        ("judge", "sample(G, N)", "sample(G_ema, N)", set()),
        ("contest-figures", "20_000", "10_000", set()),
    ],
    "06_conditional_gan": [
        ("discriminator_loss", "gamma / 2", "gamma", {"points", *PICTURES_06, "useful-code", "real-figures"}),
        ("points-data", "1.4 *", "1.3 *", {"points"}),
        ("nets", "bias=False)\n\n    def forward(self, h", "bias=True)\n\n    def forward(self, h",
         {*PICTURES_06, "useful-code", "real-figures"}),
        ("winner", "projection", "modulation", PICTURES_06 - {"short"} | {"useful-code", "real-figures"}),
        ("classifier", "Dropout(0.3)", "Dropout(0.2)", {"useful-code", "real-figures"}),
        ("attributes", "> 0.65", "> 0.6", {"faces-train"}),
        ("rival-figures", "2 * N", "3 * N", set()),
        ("order", "Fréchet", "The", set()),
        ("faces-figures", "2_500", "2_000", set()),
    ],
    "07_pix2pix": [
        ("judge_loss", ") / 2", ")", ALL_07),
        ("generator_loss", "lam * (x", "2 * lam * (x", ALL_07),
        ("patch_judge", "0.2", "0.1", ALL_07),
        ("settings", "gpu=1_000", "gpu=900", {"short-train", "rough-train", "directions-train"}),
        ("settings", "gpu=5_000", "gpu=6_000", {"training", "rivals-train"}),
        ("rough-code", "0.06", "0.07", {"rough-train"}),
        ("short-train", '"gan": 0.0', '"gan": 0.1', {"short-train"}),
        ("receptive_field", "1, 1", "1, 2", set()),
        ("fit", "1e-6", "1e-5", set()),
    ],
    "08_cyclegan": [
        ("judge-loss", ") / 2", ")", UNPAIRED_08 | {"paired-train"}),
        ("translators_loss", "lam * cycle_loss", "2 * lam * cycle_loss", UNPAIRED_08),
        ("exchange", "if swap:", "if not swap:", UNPAIRED_08),
        ("settings", "gpu=800", "gpu=900", {"ablation", "unbalanced-train", "second-train"}),
        ("paired-train", "1 / LAMBDA", "2 / LAMBDA", {"paired-train"}),
        ("unbalanced-train", "red_y > 0", "red_y > 0.1", {"unbalanced-train"}),
        ("second-train", "2 * SHORT_STEPS", "SHORT_STEPS", {"second-train"}),
        ("colour_transform", "clamp(-1, 1)", "clamp(-2, 2)", set()),
        ("curve", "0.32", "0.64", set()),
        ("enlarged", "0.13", "0.2", set()),
    ],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("stem", EDITS)
def test_the_notebooks_trainings_depend_on_what_they_should(stem):
    nb, before = real(stem)
    sources = {cell.id: cell for _, cell in nbs.code(nb)}
    for cell, old, new, anew in EDITS[stem]:
        kept = sources[cell].source
        assert old in kept, (cell, old)
        sources[cell].source = kept.replace(old, new)
        after = keys(nb)
        sources[cell].source = kept
        assert {c for c in before if before[c] != after[c]} == anew, (cell, old)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_run_of_the_notebooks_belongs_to_a_training(path):
    nb = nbs.read(path)
    book = dependence.Notebook(nb, "gpu", path.stem)
    trained = {cell.id for _, cell in nbs.code(nb) if "train" in nbs.tags(cell)}
    found = {book.units[numbers[0]].cell for numbers in book.trainings().values()}
    assert found == (trained | {"training"}) - {"detector-train", "train-function", "train-short"}
    for numbers in book.trainings().values():
        assert {"dl", "torch", "SEED"} <= book.parts(numbers).keys()

"""Train the two nets that judge pictures: python -m dlimlib.course.feature_nets [digits] [faces]."""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from ...metrics import nets
from ...metrics.nets import KINDS, MASKED, READ
from .damage import corrupt, warp
from .measures import curves, expressions

# steps, pictures, and the weight of damage beside content in the distances between features
PLAN = {"digits": (1500, 20_000, 0.015), "faces": (9000, 30_000, 0.07)}
SEED = 11  # of the pictures for training; those for measuring have the next, the course's own sets others
SIDED = ("yaw", "roll", "gaze_x", "light_x")  # change their sign when the picture is mirrored
# what covers few pixels counts more, lest nobody pays for it
WEIGHT = dict.fromkeys(("smile", "gaze_y", "lips"), 4.0)
WEIGHT |= dict.fromkeys(("yaw", "skin", "open", "blink", "gaze_x"), 2.0)
WEIGHT |= dict.fromkeys(("eye_size", "iris", "cloth", "style", "glasses", "shades"), 2.0)


# ---------------------------------------------------------------------------- data
def face_targets(factors):
    """What the face net is to read (N, outputs), and where it can be seen (N, outputs)."""
    targets, seen = [], []
    for name, kind in READ.items():
        value = factors[name].float().view(len(factors["yaw"]), -1)
        targets.append(value.clamp(min=0).sqrt() if kind == "colour" else value)
        mask = MASKED[name](factors) if name in MASKED else torch.ones(len(value), dtype=torch.bool)
        seen.append(mask[:, None].expand_as(value))
    return torch.cat(targets, 1), torch.cat(seen, 1)


def moments(x):
    """Ink, centre, width, height and slant (N, 6) of digits (N, 1, H, W) in [0, 1]."""
    x = x[:, 0]
    at = torch.linspace(-1, 1, x.shape[-1])
    ink = x.sum((1, 2)).clamp(min=1e-3)
    cx, cy = (x.sum(1) * at).sum(1) / ink, (x.sum(2) * at).sum(1) / ink
    dx, dy = at - cx[:, None], at - cy[:, None]
    xx, yy = (x.sum(1) * dx**2).sum(1) / ink, (x.sum(2) * dy**2).sum(1) / ink
    xy = torch.einsum("nhw,nh,nw->n", x, dy, dx) / ink
    slant = xy / (xx * yy).sqrt().clamp(min=1e-6)
    return torch.stack([ink / x[0].numel(), cx, cy, xx.sqrt(), yy.sqrt(), slant], 1)


def move(x):
    """Turn, shear, scale and shift each digit a little."""
    n = len(x)
    a, s = 0.2 * torch.randn(n), 0.1 * torch.randn(n, 3)
    rows = torch.stack([
        torch.stack([a.cos() * (1 + s[:, 0]), -a.sin() + s[:, 2] * 1.5, 0.06 * torch.randn(n)], 1),
        torch.stack([a.sin(), a.cos() * (1 + s[:, 1]), 0.06 * torch.randn(n)], 1),
    ], 1)  # fmt: skip
    x = F.grid_sample(x, F.affine_grid(rows, x.shape, align_corners=False), align_corners=False)
    return warp(x, 0.6 * torch.rand(n))


# ---------------------------------------------------------------------------- losses
def face_errors(read, targets, net):
    """The error of each output (N, outputs): squared and standardised, or the entropy (style, glasses)."""
    number = sum(nets.width(name) for name, kind in READ.items() if kind in ("number", "colour"))
    numbers, style, binary = read.split([number, nets.width("style"), 2], 1)
    targets = (targets - net.mean) / net.spread
    style = F.cross_entropy(style, targets[:, number:-2], reduction="none")[:, None].expand_as(style)
    binary = F.binary_cross_entropy_with_logits(binary, targets[:, -2:], reduction="none")
    return torch.cat([(numbers - targets[:, :number]).square(), style, binary], 1)


def face_loss(out, targets, seen, levels, net):
    """Errors of factors, read twice, of pose and damage; factors count as far as damage leaves them be."""
    i = {kind: KINDS.index(kind) for kind in ("colour", "ghost", "warp")}
    fit = (levels[:, i["ghost"]] < 0.2) & (levels[:, i["colour"]] < 0.1) & (levels[:, i["warp"]] < 0.5)
    ok = seen * (fit * (1 - levels.amax(1)).square())[:, None]
    weight = [WEIGHT.get(name, 1.0) / nets.width(name) for name in READ for _ in range(nets.width(name))]
    weight = torch.tensor(weight) * ok / ok.sum(0).clamp(min=1)
    loss = (weight * face_errors(out["read"], targets, net)).sum()
    loss = loss + 0.5 * (weight * face_errors(out["again"], targets, net)).sum()
    pose = (out["pose"] - targets[:, :3]) / net.spread[:3]
    return (loss + (ok[:, :3] * pose.square()).mean(0).sum()) / len(READ) + damage_loss(out, levels)


def digit_loss(out, labels, shapes, levels, net):
    """Errors of class and moments, read twice, and of the damage."""
    loss, shapes = 5 * damage_loss(out, levels), (shapes - net.mean[10:]) / net.spread[10:]
    for head, weight in (("read", 1.0), ("again", 0.5)):
        loss = loss + weight * F.cross_entropy(out[head][:, :10], labels)
        loss = loss + weight * 0.5 * F.smooth_l1_loss(out[head][:, 10:], shapes)
    return loss


def damage_loss(out, levels):
    """The level of each kind of damage, its root so that mild ones count as well."""
    return F.smooth_l1_loss(out["damage"], 2 * levels.sqrt()) * len(KINDS)


# ---------------------------------------------------------------------------- training
def fit(net, sample, loss, steps, *, rate=2e-3):
    """Train the net on sample() -> its inputs, and what the loss wants; a tenth of the steps warms up."""
    opt = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, rate, total_steps=steps, pct_start=0.1)
    net.train().to(memory_format=torch.channels_last)
    begun, mean = time.time(), None
    for step in range(steps):
        (x, *told), *targets = sample()
        value = loss(net(x.to(memory_format=torch.channels_last), *told), *targets, net)
        opt.zero_grad()
        value.backward()
        opt.step()
        plan.step()
        mean = value.item() if mean is None else 0.99 * mean + 0.01 * value.item()
        if step % 250 == 249:
            print(f"step {step + 1}/{steps}, loss {mean:.4f}, {time.time() - begun:.0f} s", flush=True)
    return net.eval()


@torch.no_grad()
def standardise(net, x, emphasis):
    """Give each feature the standard deviation 1 over clean pictures x, the damage features `emphasis`."""
    f = torch.cat([net(part)["features"] for part in x.split(250)])
    f = f / net.scale + net.shift
    net.shift.copy_(f.mean(0))
    net.scale.copy_(1 / f.std(0).clamp(min=1e-4))
    net.scale[net.own :] *= emphasis


def train_faces(steps, n, batch=32):
    """The face net, trained on n procedural faces and their mirror images; it is told their pose, a little
    wrong, until in the last fifth of the steps it has to find it itself."""
    from ...data import faces

    factors = faces.sample(n, seed=SEED)
    x = faces.render(factors, 64).x
    targets, seen = face_targets(factors)
    net = nets.new("faces")
    numbers = [kind in ("number", "colour") for name, kind in READ.items() for _ in range(nets.width(name))]
    mean = (targets * seen).sum(0) / seen.sum(0)
    spread = (((targets - mean).square() * seen).sum(0) / seen.sum(0)).sqrt().clamp(min=1e-2)
    net.mean.copy_(torch.where(torch.tensor(numbers), mean, 0))  # probabilities are not standardised
    net.spread.copy_(torch.where(torch.tensor(numbers), spread, 1))
    side = torch.tensor([-1.0 if name in SIDED else 1.0 for name in READ for _ in range(nets.width(name))])

    def sample(told):
        i, mirrored = torch.randint(n, (batch,)), torch.rand(batch) < 0.5
        pictures = x[i].float() / 255
        pictures = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures)
        pictures, levels = corrupt(pictures, clean=0.6)
        truth = torch.where(mirrored[:, None], targets[i] * side, targets[i])
        pose = [truth[:, :3] + 0.03 * torch.randn(batch, 3)] if told else []  # wrong by 2 degrees or so
        return (pictures, *pose), truth, seen[i], levels

    alone = steps // 5
    fit(net, lambda: sample(True), face_loss, steps - alone)
    fit(net, lambda: sample(False), face_loss, alone, rate=1e-3)
    standardise(net, x[:4000].float() / 255, PLAN["faces"][2])
    return net


def train_digits(steps, n, batch=128):
    """The digit net, trained on n procedural digits."""
    from ...data import digits

    drawn = digits.render(n, seed=SEED)
    x, y = drawn.x.float() / 255, drawn.y
    net = nets.new("digits")
    shapes = moments(torch.cat([move(part) for part in x[:5000].split(500)]))
    net.mean[10:], net.spread[10:] = shapes.mean(0), shapes.std(0)

    def sample():
        i = torch.randint(n, (batch,))
        moved = move(x[i])
        pictures, levels = corrupt(moved, clean=0.5)
        return (pictures,), y[i], moments(moved), levels

    fit(net, sample, digit_loss, steps)
    standardise(net, x[:4000], PLAN["digits"][2])
    return net


# ---------------------------------------------------------------------------- how good they are
@torch.no_grad()
def outputs(net, x):
    """All outputs of the net for pictures in [0, 1]."""
    parts = [net(part) for part in x.split(250)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def faces_accuracy(net, x, factors):
    """Per factor, where it shows: R² (numbers, colours), share read right (categorical, binary)."""
    read, result = nets.factors(outputs(net, x), net), {}
    for name, kind in READ.items():
        ok = MASKED[name](factors) if name in MASKED else slice(None)
        mine, true = read[name][ok], factors[name][ok].float()
        if kind == "categorical":
            result[name] = (mine.argmax(1) == true.argmax(1)).double().mean()
        elif kind == "binary":
            result[name] = ((mine > 0.5) == (true > 0.5)).double().mean()
        else:
            result[name] = 1 - (mine - true).square().mean() / true.var(0).mean()
    result["yaw_error_deg"] = (read["yaw"] - factors["yaw"]).abs().rad2deg().median()
    return {name: round(float(value), 4) for name, value in result.items()}


def digits_accuracy(net, x, y):
    """Share of the digits that the net reads right."""
    return round(float((outputs(net, x)["read"][:, :10].argmax(1) == y).double().mean()), 4)


def report(kind, net, n=2500, mnist=False):
    """Held-out accuracy of a net, on clean and on blurred pictures, and the curves of the measures."""
    from ...data import digits, faces, load
    from .damage import blur

    def features(x):
        return outputs(net, x)["features"]

    extra = {}
    if kind == "faces":
        factors = faces.sample(4 * n, seed=SEED + 1)
        x = faces.render(factors, 64).x.float() / 255
        some = {name: value[:n] for name, value in factors.items()}
        right = {"clean": faces_accuracy(net, x[:n], some)}
        right["blurred by 1 pixel"] = faces_accuracy(net, blur(x[:n], torch.ones(n)), some)
        y, extra = factors["style"].argmax(1), expressions(features, x, factors, n)
    else:
        drawn = digits.render(4 * n, seed=SEED + 1)
        x, y = drawn.x.float() / 255, drawn.y
        right = {"clean": x[:n], "blurred by 1 pixel": blur(x[:n], torch.ones(n))}
        right = {name: digits_accuracy(net, pictures, y[:n]) for name, pictures in right.items()}
        if mnist:
            real = load("mnist", split="test")
            right[f"MNIST, {len(real)} digits"] = digits_accuracy(net, real.x.float() / 255, real.y)
    return {"accuracy": right, "measures": curves(features, x, y, n) | extra}


def main():
    """Train, measure and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["digits", "faces"], help="digits, faces or both")
    parser.add_argument("--mnist", action="store_true", help="read MNIST's test digits as well (a download)")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for kind in chosen.kinds:
        begun, (steps, n, _) = time.process_time(), PLAN[kind]  # of one core, whoever else is at work
        torch.manual_seed(0)
        net = {"digits": train_digits, "faces": train_faces}[kind](steps, n)
        weights = {k: v.half().contiguous() for k, v in net.state_dict().items() if v.is_floating_point()}
        name = f"{kind}-{nets.newest(kind)}"
        save_file(weights, nets.FOLDER / f"{name}.safetensors")
        made = {"seed": SEED, "seconds": round(time.process_time() - begun), "steps": steps, "pictures": n}
        store(name, {**report(kind, net, mnist=chosen.mnist), "training": made})


def store(name, figures):
    """Put a net's figures into accuracy.json."""
    path = nets.FOLDER / "accuracy.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**stored, name: figures}, indent=1) + "\n")

"""The weights of a long run, so that what follows a training cell shows a good model on any machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import settings
from .report import duration, made_on

if TYPE_CHECKING:
    from torch import nn

    from .data import Images

PACKAGED = Path(__file__).with_name("_pretrained")  # in an installed package; a checkout has data/pretrained


def load(name: str, *, use: bool = True, data: Images | None = None, **modules: nn.Module) -> None:
    """Put the stored weights `name` into the modules (given by keyword) and say in a line what they hold now.

    data: what the modules were just trained on, pictures x (N, C, H, W). When the stored weights saw other
    data, or when a layer has another shape, a sentence says so and the modules keep what they have learned;
    without data (as for an earlier notebook's networks) a layer of another shape is a ValueError. With
    use=False, or when nothing is stored yet, the modules keep their own. While a notebook is recorded, its
    own weights are saved (rounded to float16) instead; those of an earlier notebook are loaded as ever.
    """
    if not modules:
        raise ValueError(f'name the networks: pretrained.load("{name}", G=G)')
    if os.environ.get("DLIM_RECORD") == "record" and belongs(name, os.environ["DLIM_RECORD_NAME"]):
        new = Path(os.environ["DLIM_RECORD_DIR"], "pretrained", f"{name}.safetensors")
        _save(new, name, modules, data)
        _fill(new, modules)
        print(f"{name}: recorded what was just trained ({new.stat().st_size / 1e6:.1f} MB)")
        return
    path = find(name) if use else None
    if path is None:
        print(f"{name}: {'no weights are stored yet, so ' if use else ''}your own weights go on")
        return
    if why := _difference(path, modules, data):
        if data is None:
            raise ValueError(
                f"{name}: {why}. The network differs from the one the course trained: set PRETRAINED = False "
                "to go on with yours, or give it the sizes of the settings cell again."
            )
        print(f"{name}: the stored weights are not for this: {why}. Your own weights go on.")
        return
    made = _fill(path, modules)
    print(
        f"{name}: the course's weights, trained on {made.get('device', 'an unknown device')} "
        f"(profile {made.get('profile', '?')}, {duration(made.get('seconds'))})"
    )


def misfit(name: str, parts: dict, data: Images | None = None) -> str | None:
    """Say, before a training is spent, why the stored weights `name` won't fit it; None if they do.

    parts: name -> anything; what the weights don't hold, or is no module, doesn't count. data: pictures
    (N, C, H, W), as for load.
    """
    path = find(name)
    held = {key.partition(".")[0] for key in _shapes(path)} if path else set()
    modules = {key: part for key, part in parts.items() if key in held and hasattr(part, "named_modules")}
    return _difference(path, modules, data, held=modules) if modules else None


def belongs(name: str, notebook: str) -> bool:
    """Whether weights of this name are those of the notebook: 05_gan or 05_gan-small belong to 05_gan."""
    return name == notebook or name.startswith(notebook + "-")


def find(name: str) -> Path | None:
    """Return the file of the weights `name`, None when none are stored."""
    root = settings.checkout()
    folders = [root / "data" / "pretrained"] if root else []
    files = (folder / f"{name}.safetensors" for folder in [*folders, PACKAGED])
    return next((path for path in files if path.is_file()), None)


def _save(path, name, modules, data):
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for part, module in modules.items():
        for key, value in module.state_dict().items():
            value = value.detach().cpu()
            half = value.half() if value.is_floating_point() else value
            if not half.isfinite().all():
                raise ValueError(f"{name}: {part}.{key} does not fit into float16 (NaN, or above 65504)")
            tensors[f"{part}.{key}"] = half.clone(memory_format=torch.contiguous_format)
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"made_on": json.dumps(made_on())} | ({"data": _seen(data)} if data is not None else {})
    save_file(tensors, path, metadata=about)


def _seen(data):
    """What a network has seen of a data set: its name, its version, the shape of its pictures."""
    shape = "" if data.x is None else ", " + " × ".join(map(str, data.x.shape[1:]))
    return f"{data.name} v{data.version}{shape}"


def _shapes(path):
    """Key -> shape of the tensors in a file of weights; only its header is read."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}


def _difference(path, modules, data, held=None):
    """Say in what the weights at path differ from the modules or their data, None if they fit; `held` says
    which of the weights' modules count, by default all."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        seen = (file.metadata() or {}).get("data")
    if data is not None and seen and seen != _seen(data):
        return f"they saw {seen}, and here it is {_seen(data)}"
    theirs = {key: s for key, s in _shapes(path).items() if held is None or key.partition(".")[0] in held}
    own = {
        f"{part}.{key}": tuple(value.shape)
        for part, module in modules.items()
        for key, value in module.state_dict().items()
    }
    if missing := [key for key in own if key not in theirs]:
        return f"layer {missing[0]} is not among the stored weights"
    if extra := [key for key in theirs if key not in own]:
        return f"your network has no layer {extra[0]}, but the stored weights do"
    for key, shape in own.items():
        if shape != theirs[key]:
            return f"layer {key} has shape {shape} here and {theirs[key]} as stored"
    return None


def _fill(path, modules):
    """Load what fits; returns the file's made_on."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        for part, module in modules.items():
            own = module.state_dict()
            module.load_state_dict(
                {key: file.get_tensor(f"{part}.{key}").to(v.dtype) for key, v in own.items()}
            )
        return json.loads((file.metadata() or {}).get("made_on", "{}"))

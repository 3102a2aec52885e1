"""The weights of a long run, so that what follows a training cell shows a good model on any machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import recording, settings
from .report import duration, made_on

if TYPE_CHECKING:
    from torch import nn

    from .data import Images


def load(name: str, *, use: bool = True, data: Images | None = None, **modules: nn.Module) -> None:
    """Put the stored weights `name` into the modules (given by keyword) and say in a line what they hold now.

    data: the Images (N, C, H, W) that the modules were trained on. Where they are others than the stored
    weights', where a layer's shape differs, with use=False, or when nothing is stored, the modules keep their
    own weights.
    While a notebook is recorded its own weights are saved (rounded to float16) instead; those of an earlier
    notebook are loaded as ever, and there a layer that differs is a ValueError.
    """
    if not modules:
        raise ValueError(f'name the networks: pretrained.load("{name}", G=G)')
    now = recording.current()
    if now and now.records and belongs(name, now.name):
        new = now.folder / "pretrained" / f"{name}.safetensors"
        _save(new, name, modules, data)
        _fill(new, modules)
        print(f"{name}: recorded what was just trained ({new.stat().st_size / 1e6:.1f} MB)")
        return
    path = find(name) if use else None
    if path is None:
        print(f"{name}: {'no weights are stored yet, so ' if use else ''}your own weights go on")
        return
    shapes, told = _header(path)
    why, made = _compare(modules, data, shapes, told), told.get("made_on", {})
    if why and now:
        raise ValueError(f"{name}: the stored weights do not fit: {why}")
    if why:
        print(f"{name}: the course's weights do not fit, so your own weights go on ({why})")
        return
    _fill(path, modules)
    print(
        f"{name}: the course's weights, trained on {made.get('device', 'an unknown device')} "
        f"(profile {made.get('profile', '?')}, {duration(made.get('seconds'))})"
    )


def misfit(name: str, parts: dict[str, Any], data: Images | None = None) -> str | None:
    """Return a sentence when the weights stored under `name` will not fit these modules, before they train.

    None where they fit or none are stored. Parts that are not stored under their own name don't count, and of
    an average of weights its network does. data: the Images (N, C, H, W) that they will train on.
    """
    if not (path := find(name)):
        return None
    shapes, told = _header(path)
    stored = {key.partition(".")[0] for key in shapes}
    modules = {part: m for part, m in parts.items() if part in stored and hasattr(m, "parameters")}
    modules = {part: m.module if hasattr(m, "n_averaged") else m for part, m in modules.items()}
    shapes = {key: shape for key, shape in shapes.items() if key.partition(".")[0] in modules}
    why = modules and _compare(modules, data, shapes, told)
    return f"{name}: the course's weights will not fit, so yours go on afterwards ({why})" if why else None


def belongs(name: str, notebook: str) -> bool:
    """Return whether weights of this name are the notebook's: 05_gan and 05_gan-small belong to 05_gan."""
    return name == notebook or name.startswith(notebook + "-")


def find(name: str) -> Path | None:
    """Return the file of the weights `name` in the checkout or in the package; None when none are stored."""
    return settings.stored(f"pretrained/{name}.safetensors")


def difference(now: dict, then: dict) -> tuple[str, Any, Any] | None:
    """Return the first key on which two dicts differ and both values, None for what is not there; or None."""
    for key in [*now, *then]:
        if now.get(key) != then.get(key):
            return key, now.get(key), then.get(key)
    return None


def _compare(modules, data, shapes, told):
    """Return why weights of these shapes, made as told, do not fit modules or data; None if they do."""
    then, now = told.get("data"), _describe(data)  # older files don't know their data
    if then and now and then != now:
        one, other = (f"{d['name']} v{d['version']}, {' × '.join(map(str, d['shape']))}" for d in (then, now))
        return f"they were trained on {one}, and these are {other}"
    found = difference({key: tuple(value.shape) for key, value in _tensors(modules).items()}, shapes)
    if found is None:
        return None
    key, mine, stored = found
    if stored is None:
        return f"layer {key} is not among the stored ones"
    if mine is None:
        return f"your network has no layer {key}"
    return f"layer {key} has shape {mine} here and {stored} as stored"


def _describe(data):
    if data is None:
        return None
    shape = [] if data.x is None else list(data.x.shape[1:])
    return {"name": data.name, "version": data.version, "shape": shape}


def _header(path):
    """Return {part.layer: shape} and what the file tells about its making, without reading the weights."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
        return shapes, {key: json.loads(text) for key, text in (file.metadata() or {}).items()}


def _tensors(modules):
    """Return the modules' own tensors (no copies) as {part.layer: tensor}."""
    states = {part: module.state_dict() for part, module in modules.items()}
    return {f"{part}.{key}": value for part, state in states.items() for key, value in state.items()}


def _save(path, name, modules, data):
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for key, value in _tensors(modules).items():
        half = (value.half() if value.is_floating_point() else value).cpu()
        if not half.isfinite().all():
            raise ValueError(f"{name}: {key} does not fit into float16 (NaN, or above 65504)")
        tensors[key] = half.clone(memory_format=torch.contiguous_format)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"made_on": made_on(name)} | ({"data": _describe(data)} if data is not None else {})
    save_file(tensors, path, metadata={key: json.dumps(value) for key, value in told.items()})


def _fill(path, modules):
    from safetensors.torch import load_file

    stored = load_file(path)
    for key, value in _tensors(modules).items():
        value.copy_(stored[key])

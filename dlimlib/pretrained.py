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
    why = _other_data(told, data) or difference(_shapes(modules), shapes)
    if why and now:
        raise ValueError(f"{name}: the stored weights do not fit: {why}")
    if why:
        print(f"{name}: the course's weights do not fit, so your own weights go on ({why})")
        return
    _fill(path, modules)
    made = told.get("made_on", {})
    print(
        f"{name}: the course's weights, trained on {made.get('device', 'an unknown device')} "
        f"(profile {made.get('profile', '?')}, {duration(made.get('seconds'))})"
    )


def misfit(name: str, parts: dict[str, Any], data: Images | None = None) -> str | None:
    """Say in a sentence that the weights stored under `name` will not fit these modules, before they train.

    None where they fit or none are stored. Parts that are not stored under their own name don't count. data:
    the Images (N, C, H, W) that they will train on.
    """
    path = find(name)
    if path is None:
        return None
    shapes, told = _header(path)
    own = _shapes({part: m for part, m in parts.items() if hasattr(m, "parameters")})
    both = {key.partition(".")[0] for key in own} & {key.partition(".")[0] for key in shapes}
    own, theirs = ({k: v for k, v in s.items() if k.partition(".")[0] in both} for s in (own, shapes))
    why = both and (_other_data(told, data) or difference(own, theirs))
    return f"{name}: the course's weights will not fit, so yours go on afterwards ({why})" if why else None


def belongs(name: str, notebook: str) -> bool:
    """Whether weights of this name are those of the notebook: 05_gan or 05_gan-small belong to 05_gan."""
    return name == notebook or name.startswith(notebook + "-")


def find(name: str) -> Path | None:
    """Return the file of the weights `name` in the checkout or in the package; None when none are stored."""
    folders = [Path(__file__).with_name("_pretrained")]
    if root := settings.checkout():
        folders.insert(0, root / "data" / "pretrained")
    return next((path for f in folders if (path := f / f"{name}.safetensors").is_file()), None)


def difference(own: dict, theirs: dict) -> str | None:
    """Return the first layer whose shape differs between two {layer: shape}, in words; None if none does."""
    for key in [*own, *theirs]:
        mine, stored = own.get(key), theirs.get(key)
        if mine != stored:
            if stored is None:
                return f"layer {key} is not among the stored ones"
            if mine is None:
                return f"your network has no layer {key}"
            return f"layer {key} has shape {mine} here and {stored} as stored"
    return None


def _other_data(told, data):
    """Say on which data the weights were trained, if on others; older files don't know theirs."""
    then, now = told.get("data"), _describe(data)
    if not then or not now or then == now:
        return None
    one, other = (f"{d['name']} v{d['version']}, {' × '.join(map(str, d['shape']))}" for d in (then, now))
    return f"they were trained on {one}, and these are {other}"


def _describe(data):
    if data is None:
        return None
    return {
        "name": data.name,
        "version": data.version,
        "shape": list(data.x.shape[1:] if data.x is not None else ()),
    }


def _shapes(modules):
    states = {part: module.state_dict() for part, module in modules.items()}
    return {f"{part}.{key}": tuple(v.shape) for part, state in states.items() for key, v in state.items()}


def _header(path):
    """Return {layer: shape} and what the file tells about its making, without reading the weights."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
        return shapes, {key: json.loads(text) for key, text in (file.metadata() or {}).items()}


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
    told = {"made_on": made_on(name)} | ({"data": _describe(data)} if data is not None else {})
    save_file(tensors, path, metadata={key: json.dumps(value) for key, value in told.items()})


def _fill(path, modules):
    from safetensors.torch import load_file

    tensors = load_file(path)
    for part, module in modules.items():
        state = {key: tensors[f"{part}.{key}"].to(value.dtype) for key, value in module.state_dict().items()}
        module.load_state_dict(state)

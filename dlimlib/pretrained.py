"""The weights of a long run, so that what follows a training cell shows a good model on any machine."""

import hashlib
import importlib.metadata
import json
import os
from pathlib import Path

from . import settings
from .report import duration, made_on

INDEX = Path(__file__).with_name("pretrained.json")  # name -> sha256 of each file


def load(name, *, use=True, **modules):
    """Put the stored weights `name` into the modules (given by keyword) and say in a line what they hold now.

    With use=False, or when nothing is stored yet, the modules keep their own. While a notebook is recorded
    its own weights are saved (rounded to float16) instead; those of an earlier notebook are loaded as ever.
    Raises ValueError when a layer's shape differs.
    """
    if not modules:
        raise ValueError(f'name the networks: pretrained.load("{name}", G=G)')
    if os.environ.get("DLIM_RECORD") == "record" and belongs(name, os.environ["DLIM_RECORD_NAME"]):
        path = Path(os.environ["DLIM_RECORD_DIR"], "pretrained", f"{name}.safetensors")
        _save(path, name, modules)
        _fill(path, name, modules)
        print(f"{name}: recorded what was just trained ({path.stat().st_size / 1e6:.1f} MB)")
        return
    path = find(name) if use else None
    if path is None:
        print(f"{name}: {'no weights are stored yet, so ' if use else ''}your own weights go on")
        return
    made = _fill(path, name, modules)
    print(
        f"{name}: the course's weights, trained on {made.get('device', 'an unknown device')} "
        f"(profile {made.get('profile', '?')}, {duration(made.get('seconds'))})"
    )


def belongs(name, notebook):
    """Whether weights of this name are those of the notebook: 05_gan or 05_gan-small belong to 05_gan."""
    return name == notebook or name.startswith(notebook + "-")


def find(name):
    """Return the file of the weights `name`, downloaded by its hash if need be; None when none are stored."""
    root = settings.checkout()
    if root and (path := root / "data" / "pretrained" / f"{name}.safetensors").is_file():
        return path
    entry = json.loads(INDEX.read_text(encoding="utf-8")).get(name) if INDEX.is_file() else None
    if entry is None:
        return None
    path = settings.home() / "pretrained" / f"{name}-{entry['sha256'][:12]}.safetensors"
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]:
        return path
    remedy = "Set PRETRAINED = False to go on with what you trained yourself."
    address = repository()
    if address is None:
        raise FileNotFoundError(
            f"the weights {name} are not on this machine and the course's address is not known. "
            f"Clone the course's repository, which holds them in data/pretrained. {remedy}"
        )
    url = address.replace("https://github.com/", "https://raw.githubusercontent.com/")
    url = f"{url}/main/data/pretrained/{name}.safetensors"
    import pooch

    try:
        pooch.retrieve(url, known_hash=f"sha256:{entry['sha256']}", fname=path.name, path=path.parent)
    except Exception as error:  # pooch raises whatever its downloader does
        raise RuntimeError(f"the weights {name} could not be had from {url} ({error}). {remedy}") from error
    return path


def repository():
    """Return the course's address as the installed package states it, or None."""
    try:
        urls = importlib.metadata.metadata("dlimlib").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = dict(text.split(", ", 1) for text in urls).get("Repository")
    return found.removesuffix("/").removesuffix(".git") if found else None


def _save(path, name, modules):
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
    save_file(tensors, path, metadata={"made_on": json.dumps(made_on())})


def _fill(path, name, modules):
    """Check every name and shape, then load; returns the file's made_on."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        made = json.loads((file.metadata() or {}).get("made_on", "{}"))
    own = {f"{part}.{key}": v for part, module in modules.items() for key, v in module.state_dict().items()}
    remedy = (
        "The network differs from the one the course trained: set PRETRAINED = False to go on with yours, "
        "or give it the sizes of the settings cell again."
    )
    if missing := [key for key in own if key not in tensors]:
        raise ValueError(f"{name}: layer {missing[0]} is not among the stored weights. {remedy}")
    if extra := [key for key in tensors if key not in own]:
        raise ValueError(f"{name}: your network has no layer {extra[0]}, but the stored weights do. {remedy}")
    for key, value in own.items():
        mine, theirs = tuple(value.shape), tuple(tensors[key].shape)
        if mine != theirs:
            raise ValueError(f"{name}: layer {key} has shape {mine} here and {theirs} as stored. {remedy}")
    for part, module in modules.items():
        state = {key: tensors[f"{part}.{key}"].to(value.dtype) for key, value in module.state_dict().items()}
        module.load_state_dict(state)
    return made

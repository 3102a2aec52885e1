"""What a checkpoint needs: random states, the comparison of shapes, a write that cannot leave half a file."""

import io
import os
import pickle
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def rng_state():
    """The random states of Python, NumPy and PyTorch (CPU and GPUs), as plain numbers and tensors."""
    kind, keys, *rest = np.random.get_state()
    state = {"python": random.getstate(), "numpy": [kind, keys.tolist(), *rest]}
    state["torch"] = torch.get_rng_state()
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_rng_state(state):
    """Put back what rng_state() returned, as far as the devices are here."""
    random.setstate(state["python"])
    np.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(state["torch"])
    if len(state.get("cuda", ())) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])


def shapes(part, state=None):
    """What must agree before a state is loaded into a part: a module's shapes, an optimizer's groups."""
    state = part.state_dict() if state is None else state
    if isinstance(part, nn.Module):
        return {key: tuple(v.shape) for key, v in state.items() if isinstance(v, torch.Tensor)}
    if isinstance(part, torch.optim.Optimizer):
        groups = state["param_groups"]
        return {f"group {i}": f"{len(group['params'])} tensors" for i, group in enumerate(groups)}
    return {}


def difference(now, then):
    """The first key on which two dicts of shapes differ, as words; None if they agree."""
    for key in [*now, *then]:
        if now.get(key) != then.get(key):
            return f"{key} was {then.get(key, 'not there')} and is now {now.get(key, 'not there')}"
    return None


def write(path, state):
    """Save state at path; whenever the process dies, a whole file is there, the old one or the new one.

    OSError when the disk does not take it, TypeError when state could not be loaded again with weights_only.
    """
    buffer = io.BytesIO()  # first to memory: PyTorch says no OSError on a full disk
    torch.save(state, buffer)
    buffer.seek(0)
    try:
        torch.load(buffer, weights_only=True)
    except pickle.UnpicklingError as error:
        raise TypeError(
            "a part holds more than tensors and Python's own numbers, and can not be loaded "
            "again (perhaps NumPy computed the learning rate: make it a float)"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.tmp"):
        if time.time() - old.stat().st_mtime > 3600:  # left by a process that was killed while writing
            old.unlink(missing_ok=True)
    temporary = Path(f"{path}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

"""What a Run keeps on disk: a whole file or none, its own and no other's, and one writer at a time."""

import hashlib
import io
import os
import pickle
import random
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

from ..pretrained import difference

DIGEST = hashlib.sha256().digest_size  # bytes at the end of a file: PyTorch reads over damage in silence


def save(path, progress, history, *, batches, parts):
    """Write all that a run needs to go on to the same numbers, bit for bit; errors as write() has them.

    progress: a dict of step, steps, seconds and film, a list of frames. history: name -> ([steps], [values]).
    """
    columns = {
        name: (torch.tensor(at), torch.tensor(values, dtype=torch.float64))
        for name, (at, values) in history.items()
    }
    order = batches.state_dict() if hasattr(batches, "state_dict") else None
    states = {key: part.state_dict() for key, part in parts.items()}
    own = {"history": columns, "rng": rng_state(), "batches": order, "parts": states}
    write(path, {**progress, "data": fingerprints(batches, parts), **own})


def load(path, *, steps, batches, parts):
    """Put parts and batches back, in place; return the rest as a dict: step, seconds, history, rng, film,
    changed.

    changed: the optimizers' settings that were given otherwise now, as words; the checkpoint's are in force.
    ValueError, whose words say why, if the file is damaged or another run's; then nothing has been changed.
    """
    state = read(path)
    states = {key: part.state_dict() for key, part in parts.items()}
    now = identity(steps, fingerprints(batches, parts), parts, states)
    then = identity(state["steps"], state["data"], parts, state["parts"])
    if found := difference(now, then):
        what, new, old = ("not there" if value is None else value for value in found)
        raise ValueError(f"{what} was {old} and is now {new}")
    if state["batches"] is None and state["step"] < steps:
        raise ValueError("these batches have no state_dict(), so their order is lost")
    changed = [f"{key}'s {words}" for key in parts for words in settings(states[key], state["parts"][key])]
    for key, part in parts.items():
        part.load_state_dict(state["parts"][key])
    if state["batches"] is not None:
        batches.load_state_dict(state["batches"])
    history = {name: (at.tolist(), values.tolist()) for name, (at, values) in state["history"].items()}
    rest = {key: state[key] for key in ("step", "seconds", "rng")} | {"film": state.get("film", [])}
    return rest | {"history": history, "changed": changed}


def set_aside(path):
    """Rename an earlier run's checkpoint to previous.pt, which no Run reads; return the state in there.

    What got less far than previous.pt goes instead of it: a run that is started twice by mistake does not
    cost a night's training. None if there was no checkpoint. OSError if the folder can not be written to.
    """
    if not path.exists():
        return None
    previous = path.with_name("previous.pt")
    now, kept = peek(path), peek(previous)
    if now["step"] / now["steps"] < kept["step"] / kept["steps"]:
        path.unlink()
        return kept
    os.replace(path, previous)
    return now


def peek(path):
    """Return the state at path; one of no steps where none can be read."""
    try:
        return read(path)
    except (OSError, ValueError):
        return {"step": 0, "steps": 1, "seconds": 0.0}


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
    temporary = Path(f"{path}.tmp")  # of one name, so that a half file goes when the next one is written
    try:
        with open(temporary, "wb") as file:
            file.write(buffer.getbuffer())
            file.write(hashlib.sha256(buffer.getbuffer()).digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path):
    """Return the state that write() left at path; ValueError if it is not that to the last byte."""
    data = path.read_bytes()
    if hashlib.sha256(data[:-DIGEST]).digest() != data[-DIGEST:]:
        raise ValueError(f"{path.name} is damaged, or no checkpoint of this course")
    return torch.load(io.BytesIO(data[:-DIGEST]), map_location="cpu", weights_only=True)


@contextmanager
def alone(path, name):
    """Be the only one, in this process and others, who trains into path; RuntimeError if another one does."""
    lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)  # the system's own: a crash frees it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RuntimeError(
            f"two Runs named {name!r} are in their loops at once, here or in another notebook, and would "
            "overwrite each other's checkpoint; stop the other one, or give this one a name of its own"
        ) from None
    except (OSError, NotImplementedError):
        pass  # a folder that can't be written, or without locks: saving will say so, or works all the same
    try:
        yield
    finally:
        lock.release()


def fingerprints(batches, parts):
    """Return what names the data: a fingerprint of the batches, and of every part that has one."""
    sources = {"batches": batches, **parts}
    return {key: s.fingerprint() for key, s in sources.items() if hasattr(s, "fingerprint")}


def identity(steps, data, parts, states):
    """Return, by name, what must agree before states are loaded: also modules' shapes, optimizers' groups."""
    found = {"the number of steps": steps, "the list of parts": ", ".join(states)}
    found |= {f"the data in {key}": fingerprint for key, fingerprint in data.items()}
    for key, state in states.items():
        if isinstance(parts.get(key), nn.Module):
            found |= {f"{key}'s {k}": tuple(t.shape) for k, t in state.items() if isinstance(t, torch.Tensor)}
        for i, group in enumerate(state.get("param_groups", ())):
            found[f"{key}'s group {i}"] = f"{len(group['params'])} tensors"
    return found


def settings(now, then):
    """Return the settings (learning rate, …) in which two states of an optimizer differ, each as words."""
    found = set()
    for new, old in zip(now.get("param_groups", ()), then.get("param_groups", ()), strict=True):
        moving = {"params"} | ({"lr"} if "initial_lr" in new else set())  # a schedule notes where lr began
        moving |= {"momentum", "betas"} if "base_momentum" in new else set()  # and may move these as well
        for key in new.keys() & old.keys() - moving:
            if new[key] != old[key]:
                found.add(f"{key.removeprefix('initial_')} {old[key]}, not {new[key]}")
    return sorted(found)


def rng_state():
    """Return the random states of Python, NumPy and PyTorch (CPU and GPUs), as plain numbers and tensors."""
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

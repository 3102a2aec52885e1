"""`Run`, the iterator around a training loop: it hides display, log, checkpoints and interrupts."""

import math
import re
import signal
import threading
import time
import warnings
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from .. import pretrained, recording
from ..settings import device, home, profile
from . import display
from .checkpoint import difference, rng_state, set_rng_state, shapes, write

READ_SECONDS = 2.0  # logged losses are read, and the figure redrawn, at most this often
SAVE_SECONDS = 60.0  # a checkpoint is written at most this often
PENDING = 500  # so many logged values of one name wait on the device at the most
_looping = set()  # the folders of the Runs that are in their loops now


class Interrupted(RuntimeError):
    """A recording was interrupted: its Run is saved, and the notebook must stop here."""


class Run:
    """Iterate over `steps` batches; log, show and save what happens in the reader's loop.

        run = Run("05_gan", batches, steps=1000, preview=lambda: G(z), G=G, opt_G=opt_G)
        for x, y in run:
            ...                       # plain PyTorch
            run.log(loss_G=loss_G)

    parts: modules, optimizers, anything with state_dict() and load_state_dict(): what a checkpoint holds.
    preview: a function without arguments that returns images (B, C, H, W) in [-1, 1], a Figure or None.
    every: steps between two drawings or lines of text at the least; by default the clock decides.
    quiet: only the bar, no figure, as suits one of many short runs.
    resume: go on from the checkpoint of the same name; ValueError if shapes, steps or data differ from it.

    The first interrupt finishes the step, saves and ends the loop; the second raises KeyboardInterrupt.
    """

    def __init__(self, name, batches, *, steps, preview=None, every=None, quiet=False, resume=False, **parts):
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
            raise ValueError(f"name becomes a folder: use letters, digits, _ . and -, got {name!r}")
        if steps < 1 or (every is not None and every < 1):
            raise ValueError(f"steps and every must be at least 1, got {steps} and {every}")
        for key, part in parts.items():
            if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
                raise TypeError(f"{key} must be a module, an optimizer or such, got {type(part).__name__}")
        self.name, self.batches, self.steps, self.preview, self.every = name, batches, steps, preview, every
        self.quiet, self.parts = quiet, parts
        self.step = 0  # finished steps; so in the loop, the number of the step that is under way, from 0
        self.seconds = 0.0  # spent in the loop so far, over all sessions
        # a recording has its own folder and goes on from it; refreshing shows what the recording trained
        rec = recording.current()
        self.path = (rec.begin(name) if rec else home() / "runs" / name) / profile() / "checkpoint.pt"
        self.recording = rec is not None and rec.records
        self._history, self._pending = {}, {}
        self._bad = None  # (step, name, value) of the first NaN or infinite loss
        self._interrupts = 0
        self._rng = None  # random states of a checkpoint, put back when the loop begins
        self._disk_warned = False
        self._bfloat16 = False
        if device().type == "cuda":
            self._bfloat16 = torch.cuda.get_device_capability() >= (8, 0)  # older ones only pretend, slowly
            torch.set_float32_matmul_precision("high")  # TF32: much faster, errors of 0.1 %
            torch.backends.cudnn.allow_tf32 = True
        if self.path.exists() and (resume or rec):
            self._load()
        elif rec and not self.recording:
            self.step = steps  # refreshing never trains: what follows shows stored weights, or isn't executed
        elif resume:
            print(f"{name}: there is no checkpoint in {self.path.parent} yet, so this run starts anew.")
        if rec is None and (why := pretrained.misfit(name, parts)):
            print(why)

    # ---------------------------------------------------------------------------------- what the loop uses

    @property
    def finished(self):
        """True when all steps are done."""
        return self.step >= self.steps

    @property
    def history(self):
        """All logged values so far: name -> ([steps], [values])."""
        self._read()
        return self._history

    def log(self, **losses):
        """Note numbers of this step; tensors stay on their device until they are drawn."""
        for name, value in losses.items():
            if isinstance(value, torch.Tensor):
                if value.numel() != 1:
                    raise ValueError(f"{name} must be one number, got shape {tuple(value.shape)}")
                value = value.detach().clone()  # a copy, because the loop may go on adding to its tensor
            else:
                value = float(value)
            pending = self._pending.setdefault(name, [])
            pending.append((self.step, value))
            if len(pending) >= PENDING:
                self._read()

    def autocast(self):
        """A context in bfloat16 on GPUs that compute in it (from Ampere on); elsewhere it does nothing."""
        return torch.autocast("cuda", dtype=torch.bfloat16) if self._bfloat16 else nullcontext()

    def __iter__(self):
        """Yield the batches that are left; after an interrupt or a break, a new loop goes on from there."""
        if self._rng is not None:
            set_rng_state(self._rng)
            self._rng = None
        view = display.view(self)
        if self.finished:
            view.close("done")
            return
        with self._alone(), self._catch_interrupts():
            begin, before = time.perf_counter(), self.seconds
            next_read, next_save = begin, begin + SAVE_SECONDS
            source, outcome = iter(self.batches), "stopped"
            try:
                while not self.finished and not self._interrupts:
                    try:
                        batch = next(source)
                    except StopIteration:
                        raise ValueError(f"batches ran out after {self.step} of {self.steps} steps") from None
                    yield batch
                    self.step += 1
                    now = time.perf_counter()
                    self.seconds = before + now - begin
                    if now >= next_read or view.due(self.step):
                        self._check()
                        next_read = view.update(now) + READ_SECONDS
                    if now >= next_save:
                        self._save()
                        cost = time.perf_counter() - now
                        next_save = now + max(SAVE_SECONDS, 20 * cost)  # large parts: rarer, 5 % of the time
                self._check()
                saved = self._save()
                outcome = "done" if self.finished else "interrupted"
            finally:
                view.close(outcome)
        if self.finished:
            return
        where = f"{self.name}: interrupted after step {self.step} of {self.steps}"
        if self.recording:
            raise Interrupted(f"{where}. Start the same recording again and it goes on from there.")
        print(f"{where}.", "Run(..., resume=True) goes on from there." if saved else "It could NOT be saved.")

    # ---------------------------------------------------------------------------------- losses

    def _read(self):
        """Fetch the pending values, one copy per name, and remember the first value that is not finite."""
        pending, self._pending = self._pending, {}
        for name, entries in pending.items():
            tensors = [v.reshape(()) for _, v in entries if isinstance(v, torch.Tensor)]
            fetched = iter(torch.stack(tensors).tolist() if tensors else ())
            steps, values = self._history.setdefault(name, ([], []))
            for step, value in entries:
                value = float(next(fetched)) if isinstance(value, torch.Tensor) else value
                if not math.isfinite(value) and (self._bad is None or step < self._bad[0]):
                    self._bad = step, name, value
                steps.append(step)
                values.append(value)

    def _check(self):
        """Read the losses; FloatingPointError if one of them is NaN or infinite."""
        self._read()
        if self._bad:
            step, name, value = self._bad
            raise FloatingPointError(
                f"{name} became {value} at step {step}. A smaller learning rate often helps; otherwise look "
                "for the logarithm of a number that can be 0, or a division by it."
            )

    # ---------------------------------------------------------------------------------- preview

    def show(self):
        """What preview returns, under no_grad and eval; modes and random numbers are then as they were."""
        if self.preview is None:
            return None
        modules = [m for part in self.parts.values() if isinstance(part, nn.Module) for m in part.modules()]
        modes, rng = [m.training for m in modules], rng_state()
        try:
            for module in modules:
                module.training = False
            with torch.no_grad():
                return self.preview()
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
            set_rng_state(rng)

    # ---------------------------------------------------------------------------------- checkpoints

    def _data(self):
        """What names the data: a fingerprint of the batches, and of every part that has one."""
        sources = {"batches": self.batches, **self.parts}
        return {key: s.fingerprint() for key, s in sources.items() if hasattr(s, "fingerprint")}

    def _save(self):
        """Write a checkpoint unless a loss is bad; False, with one warning, if the disk does not take it."""
        self._check()
        history = {
            name: (torch.tensor(steps), torch.tensor(values, dtype=torch.float64))
            for name, (steps, values) in self._history.items()
        }
        state = {
            "step": self.step,
            "steps": self.steps,
            "seconds": self.seconds,
            "history": history,
            "data": self._data(),
            "rng": rng_state(),
            "batches": self.batches.state_dict() if hasattr(self.batches, "state_dict") else None,
            "parts": {key: part.state_dict() for key, part in self.parts.items()},
        }
        try:
            write(self.path, state)
        except OSError as error:
            if not self._disk_warned:
                warnings.warn(
                    f"{self.name}: the checkpoint could not be written ({error}). Training goes on "
                    f"without; make room on the disk of {self.path.parent}.",
                    stacklevel=2,
                )
            self._disk_warned = True
            return False
        return True

    def _load(self):
        """Put everything back from the checkpoint; ValueError in a sentence if it belongs to another run."""

        def refuse(why):
            raise ValueError(
                f"{self.name} can't go on from its checkpoint: {why}. "
                f"To start anew leave out resume=True, or delete {self.path.parent}"
            )

        state = torch.load(self.path, map_location="cpu", weights_only=True)
        if state["steps"] != self.steps:
            refuse(f"it was made for {state['steps']} steps, and now there are {self.steps}")
        data = self._data()
        for key in sorted(data.keys() | state["data"].keys()):
            then, now = state["data"].get(key), data.get(key)
            if then != now:
                refuse(f"the data are others; {key} were {then} and are now {now}")
        if state["parts"].keys() != self.parts.keys():
            refuse(f"its parts are {', '.join(state['parts'])}, and now they are {', '.join(self.parts)}")
        finished = state["step"] >= state["steps"]
        if state["batches"] is None and not finished:
            refuse("these batches have no state_dict(), so their order is lost")
        for key, part in self.parts.items():  # all shapes first, so that nothing is loaded by halves
            if why := difference(shapes(part), shapes(part, state["parts"][key])):
                refuse(f"{key} has changed; {why}")
        for key, part in self.parts.items():
            part.load_state_dict(state["parts"][key])
        if state["batches"] is not None:
            self.batches.load_state_dict(state["batches"])
        self.step, self.seconds, self._rng = state["step"], state["seconds"], state["rng"]
        self._history = {name: (s.tolist(), v.tolist()) for name, (s, v) in state["history"].items()}
        if not finished:
            print(f"{self.name}: goes on after step {self.step} of {self.steps}.")

    # ---------------------------------------------------------------------------------- around the loop

    @contextmanager
    def _alone(self):
        if self.path in _looping:
            raise RuntimeError(
                f"two Runs named {self.name!r} are in their loops at once and would overwrite "
                "each other's checkpoint; give each its own name"
            )
        _looping.add(self.path)
        try:
            yield
        finally:
            _looping.discard(self.path)

    @contextmanager
    def _catch_interrupts(self):
        self._interrupts = 0
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGINT) is None:  # elsewhere Python sets no handlers
            yield
            return

        def handler(number, frame):
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt

        old = signal.signal(signal.SIGINT, handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, old)

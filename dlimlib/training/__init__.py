"""`Run`, the iterator around a training loop: it hides display, log, checkpoints and interrupts."""

import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from .. import pretrained, recording
from ..pictures import to_uint8
from ..settings import device, home, profile
from . import checkpoint, display
from .log import Log

READ_SECONDS = 2.0  # logged losses are read, and the figure redrawn, at most this often
SAVE_SECONDS = 60.0  # a checkpoint is written at most this often; what took less is started anew in silence


class Interrupted(RuntimeError):
    """A recording was interrupted: its Run is saved, and the notebook must stop here."""


class Run:
    """Iterate over `steps` batches; log, show and save what happens in the reader's loop.

        run = Run("05_gan", batches, steps=1000, preview=lambda: G(z), G=G, opt_G=opt_G)
        for x, y in run:
            ...                       # plain PyTorch
            run.log(loss_G=loss_G)

    name: unique in the course; checkpoints lie in $DLIM_HOME/runs/<name>/<profile>.
    batches: any iterable that lasts for `steps`; to be resumed it needs state_dict() and load_state_dict().
    parts: modules, optimizers, anything with state_dict() and load_state_dict(): what a checkpoint holds.
    preview: a function without arguments that returns images (B, C, H, W) in [-1, 1], a Figure or None.
    every: steps between two drawings or lines of text at the least; by default the clock decides.
    quiet: only the bar, no figure, as suits one of many short runs.
    film: how many pictures of the preview to keep, the first before the first step and the last after the
        last; they are then in `film`, uint8 (frames, B, C, H, W), and in the checkpoint.
    resume: go on from the checkpoint of the same name, with its optimizers' settings where others are given;
        ValueError if it is damaged, or shapes, steps or data differ. Without, a new run begins with its loop,
        and the earlier one is moved aside.

    The first interrupt finishes the step, saves and ends the loop; the second raises KeyboardInterrupt.
    """

    def __init__(
        self,
        name: str,
        batches: Iterable,
        *,
        steps: int,
        preview: Callable[[], Any] | None = None,
        every: int | None = None,
        quiet: bool = False,
        film: int = 0,
        resume: bool = False,
        **parts: Any,
    ):
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
            raise ValueError(f"name becomes a folder: use letters, digits, _ . and -, got {name!r}")
        if steps < 1 or (every is not None and every < 1):
            raise ValueError(f"steps and every must be at least 1, got {steps} and {every}")
        if film and (film < 2 or preview is None):
            raise ValueError("a film needs two frames at least, and a preview that returns them")
        for key, part in parts.items():
            if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
                raise TypeError(f"{key} must be a module, an optimizer or such, got {type(part).__name__}")
        self.name, self.batches, self.steps, self.parts = name, batches, steps, parts
        self.preview, self.every, self.quiet = preview, every, quiet
        self.step = 0  # finished steps; so in the loop, the number of the step that is under way, from 0
        self.seconds = 0.0  # spent in the loop so far, over all sessions
        self._frames: list[torch.Tensor] = []
        self._shots = {round(i * steps / (film - 1)) for i in range(film)}  # after how many steps
        # a recording has its own folder and goes on from it; refreshing shows what the recording trained
        now = recording.current()
        self.path = (now.begin(name) if now else home() / "runs" / name) / profile() / "checkpoint.pt"
        self.recording = now is not None and now.records
        self._log = Log()
        self._rng = None  # random states of a checkpoint, put back when the loop begins
        self._disk_warned = False
        # GPUs before Ampere only pretend to compute in bfloat16, slowly
        self._bfloat16 = device().type == "cuda" and torch.cuda.get_device_capability() >= (8, 0)
        self._new = not (self.path.exists() and (resume or now))
        if not now and (why := pretrained.misfit(name, parts, getattr(batches, "images", None))):
            print(why)
        if not self._new:
            self._load(told=resume)
        elif now and not self.recording:
            self.step = steps  # refreshing never trains: what follows shows stored weights, or isn't executed
        elif resume:
            print(f"{name}: there is no checkpoint in {self.path.parent} yet, so this run starts anew.")
            if self.path.with_name("previous.pt").exists():
                print("previous.pt there is an earlier run; named checkpoint.pt, it can be resumed.")

    @property
    def finished(self) -> bool:
        """Return whether all steps are done."""
        return self.step >= self.steps

    @property
    def history(self) -> dict[str, tuple[list[int], list[float]]]:
        """Return all logged values so far: name -> ([steps], [values])."""
        return self._log.read()

    @property
    def film(self) -> torch.Tensor:
        """Return the frames so far, uint8 (frames, B, C, H, W)."""
        if not self._frames:
            raise ValueError(f"{self.name}: there is no film; ask for one with Run(..., film=24)")
        return torch.stack(self._frames)

    def log(self, **losses: torch.Tensor | float) -> None:
        """Note scalars of this step, one each; tensors stay on their device until they are drawn."""
        self._log.add(self.step, losses)

    def autocast(self) -> AbstractContextManager:
        """Return a context in bfloat16 on GPUs that compute in it (from Ampere on), else an empty one."""
        return torch.autocast("cuda", dtype=torch.bfloat16) if self._bfloat16 else nullcontext()

    def __iter__(self) -> Iterator:
        """Yield the batches that are left; after an interrupt or a break, a new loop goes on from there."""
        if self._rng:
            checkpoint.set_rng_state(self._rng)
            self._rng = None
        if self.finished:
            display.view(self).close("done")
            return
        with checkpoint.alone(self.path, self.name), counted_interrupts() as self._interrupts:
            if self._new:
                self._move_aside()
            view, source, outcome = display.view(self), iter(self.batches), "stopped"
            begin, before = time.perf_counter(), self.seconds
            next_read, next_save = begin, begin + SAVE_SECONDS
            try:
                self._shoot()
                while not self.finished and not self._interrupts:
                    try:
                        batch = next(source)
                    except StopIteration:
                        raise ValueError(f"batches ran out after {self.step} of {self.steps} steps") from None
                    yield batch
                    self.step += 1
                    self._shoot()
                    now = time.perf_counter()
                    self.seconds = before + now - begin
                    if now >= next_read or self.step in view.due:
                        self._log.check()
                        next_read = view.update(now) + READ_SECONDS
                    if now >= next_save:
                        self._save()
                        cost = time.perf_counter() - now
                        next_save = now + max(SAVE_SECONDS, 20 * cost)  # large parts: rarer, 5 % of the time
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

    def show(self) -> Any:
        """Call preview under no_grad and eval; then the modes and the random numbers are as they were."""
        if self.preview is None:
            return None
        rng = checkpoint.rng_state()
        nets = [part for part in self.parts.values() if isinstance(part, nn.Module)]
        modes = {module: module.training for net in nets for module in net.modules()}
        try:
            for net in nets:
                net.eval()
            with torch.no_grad():
                return self.preview()
        finally:
            for module, mode in modes.items():
                module.training = mode
            checkpoint.set_rng_state(rng)

    def _shoot(self):
        """Keep a frame of the film if this is its step."""
        if self.step in self._shots and len(self._frames) == sum(shot < self.step for shot in self._shots):
            self._frames.append(torch.from_numpy(to_uint8(self.show())).permute(0, 3, 1, 2).contiguous())

    def _load(self, told):
        """Go on from the checkpoint; a recording, which was not told to, does not speak of a finished run."""
        try:
            state = checkpoint.load(self.path, steps=self.steps, batches=self.batches, parts=self.parts)
        except ValueError as why:
            raise ValueError(
                f"{self.name} can't go on from its checkpoint: {why}. "
                f"To start anew leave out resume=True, or delete {self.path}"
            ) from None
        self.step, self.seconds, self._rng = state["step"], state["seconds"], state["rng"]
        self._log, self._frames = Log(state["history"]), state["film"]
        if not self.finished:
            print(f"{self.name}: goes on after step {self.step} of {self.steps}.")
        elif told:
            done = f"finished already, {self.steps} steps in {display.clock(self.seconds)}"
            print(f"{self.name}: {done}; leave out resume=True to train anew.")
        if state["changed"]:
            changed = "; ".join(state["changed"])
            print(f"{self.name}: the checkpoint's settings count: {changed}. Only a new run takes others.")

    def _move_aside(self):
        """Make an earlier run's checkpoint unusable; say how to get it back if it was a long one."""
        self._new = False
        try:
            kept = checkpoint.set_aside(self.path)
        except OSError:  # saving will meet the same disk, and warn
            return
        if kept and kept["seconds"] >= SAVE_SECONDS:
            print(
                f"{self.name}: starts anew. An earlier run, {kept['step']} of {kept['steps']} steps in "
                f"{display.clock(kept['seconds'])}, is kept as previous.pt in {self.path.parent}; to get "
                "it back, name it checkpoint.pt and use resume=True."
            )

    def _save(self):
        """Write a checkpoint unless a loss is bad; False, with one warning, if the disk does not take it."""
        self._log.check()
        progress = {"step": self.step, "steps": self.steps, "seconds": self.seconds, "film": self._frames}
        try:
            checkpoint.save(self.path, progress, self._log.history, batches=self.batches, parts=self.parts)
            return True
        except OSError as error:
            why = f"{self.name}: the checkpoint could not be written ({error}). Training goes on without"
        if not self._disk_warned:
            warnings.warn(f"{why}; make room on the disk of {self.path.parent}.", stacklevel=2)
        self._disk_warned = True
        return False


@contextmanager
def counted_interrupts():
    """Yield a list of the interrupts so far; the second raises, and afterwards the old handler is back."""
    interrupts = []
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield interrupts  # Python sets no handlers here
        return

    def handler(number, frame):
        interrupts.append(number)
        if len(interrupts) > 1:
            raise KeyboardInterrupt

    old = signal.signal(signal.SIGINT, handler)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, old)

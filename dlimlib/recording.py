"""The recording in force: `python -m dlimlib run` describes it to the kernel, and this is its only reader."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "DLIM_RECORDING"  # JSON: the fields of Recording


@dataclass(frozen=True)
class Recording:
    """A notebook is being recorded (mode "record": it trains) or refreshed ("refresh": it never does)."""

    mode: str
    name: str  # of the notebook
    folder: Path  # for results/*.json and pretrained/*.safetensors
    runs: Path  # one folder for each training
    kept: tuple = ()  # in a refresh: the trainings that are whole and those of this code

    @property
    def records(self) -> bool:
        """Whether what is trained now will be stored."""
        return self.mode == "record"

    def begin(self, run: str) -> Path:
        """Return the folder of a training, having noted there which line of the cell begins it.

        In a refresh the folder of one that is not kept is an empty one.
        """
        if not self.records:
            return (self.runs if run in self.kept else self.folder / "runs") / run
        folder, frame = self.runs / run, sys._getframe(1)
        while frame.f_back and frame.f_code.co_name != "<module>":  # the cell, which calls what makes the Run
            frame = frame.f_back
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "line").write_text(str(frame.f_lineno))
        return folder

    def seconds(self) -> dict[str, float]:
        """Return the seconds that each training took, over all attempts."""
        paths = sorted(self.runs.glob("*/*/checkpoint.pt"))  # the recorder may itself have another profile
        return {path.parents[1].name: round(spent(path), 1) for path in paths}


def current() -> Recording | None:
    """Return the recording in force, None outside one."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    told = json.loads(text)
    return Recording(**{**told, "folder": Path(told["folder"]), "runs": Path(told["runs"])})


def spent(checkpoint: Path) -> float:
    """Return the seconds that a training has taken so far, from its checkpoint; its tensors are not read."""
    import torch

    return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["seconds"]

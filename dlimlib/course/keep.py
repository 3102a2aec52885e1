"""Kept trainings: in which folder, known by which key, carried to which machine."""

import json
import shutil

from .. import recording, settings
from . import dependence


class Trainings:
    """The trainings of a notebook under a profile that are kept on this machine."""

    def __init__(self, name, profile, nb):
        self.folder = settings.home() / "recording" / name / profile
        self.profile, self.book = profile, dependence.Notebook(nb, profile, name)

    @property
    def runs(self):
        """The folder that holds one for each training."""
        (self.folder / "runs").mkdir(parents=True, exist_ok=True)
        return self.folder / "runs"

    def _known(self):
        """{folder of a training: what is noted of it, {} if nothing is}."""
        found = {}
        for run in sorted(path for path in self.runs.iterdir() if path.is_dir()):
            try:
                found[run] = json.loads((run / "training.json").read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                found[run] = {}
        return found

    def forget_changed(self):
        """Say of each training whether it is kept; delete one whose key has changed, and say why."""
        self._note(self._begun().get, whole=False)  # where the process was killed in a cell
        parts = {dependence.key(p): p for p in map(self.book.parts, self.book.trainings().values())}
        for run, noted in self._known().items():
            if noted.get("key") in parts:
                done = "kept" if noted["complete"] else "goes on"
                print(f"  {run.name}: {done} ({noted['seconds']:.0f} s)")
                continue
            reason = "it is not known what it depended on"
            if noted:
                old = noted["parts"]  # beside the training of today that has most in common with it
                near = max(parts.values(), key=lambda new: len(new.items() & old.items()), default={})
                reason = f"{dependence.why(old, near)} changed"
            print(f"  {run.name}: trains anew because {reason}")
            shutil.rmtree(run)

    def begin(self, index):
        """Before a cell note what each line of its trainings depends on: the process may be killed in it."""
        lines = {line for i, _, lines in self.book.trainings() if i == index for line in lines}
        begun = {line: self.book.parts(self.book.at(index, line)) for line in sorted(lines)}
        (self.runs.parent / "begun.json").write_text(json.dumps(begun), encoding="utf-8")

    def note(self, index, whole):
        """After a cell note beside each training what it depends on; whole: the cell came to its end."""
        begun = self._begun()
        self._note(lambda line: begun.get(line) or self.book.parts(self.book.at(index, int(line))), whole)

    def _begun(self):
        """{line, as text: parts} of the cell that was begun last."""
        path = self.runs.parent / "begun.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def _note(self, parts_of, whole):
        for run in self._known():
            line = run / "line"
            parts = line.exists() and parts_of(line.read_text())
            if not parts:
                continue
            noted = {"key": dependence.key(parts), "complete": whole, "seconds": self._seconds(run)}
            (run / "training.json").write_text(
                json.dumps(noted | {"parts": parts}, indent=1), encoding="utf-8"
            )
            line.unlink()

    def _seconds(self, run):
        path = run / self.profile / "checkpoint.pt"
        return recording.spent(path) if path.exists() else 0.0

    def finished(self):
        """{name: key} of the trainings that are whole and those of this code."""
        keys = {dependence.key(self.book.parts(numbers)) for numbers in self.book.trainings().values()}
        known = {run.name: noted for run, noted in self._known().items() if noted.get("complete")}
        return {name: noted["key"] for name, noted in known.items() if noted["key"] in keys}


def carry(name, folder, *, out):
    """Copy the kept trainings of a notebook to a folder, or from there; one of the same name gives way."""
    here, there = settings.home() / "recording" / name, folder / name
    source, target = (here, there) if out else (there, here)
    runs = sorted(path.parent for path in source.glob("*/runs/*/training.json"))
    if not runs:
        raise FileNotFoundError(f"{source} holds no trainings of {name}")
    for run in runs:
        into = target / run.relative_to(source)
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(run, into)
    print(f"{name}: {len(runs)} trainings copied to {target}")

"""How a Run shows itself: one bar and one figure in a notebook, a few lines of text elsewhere."""

import html
import importlib
import io
import sys
import time

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ..settings import profile


def view(run):
    """Return the view that fits here: rich where a notebook's kernel shows it, else (also at smoke) text."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    rich = getattr(shell, "kernel", None) is not None and profile() != "smoke"
    return Notebook(run) if rich else Text(run)


def clock(seconds):
    """Return seconds as 0:42, 12:05 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def losses(run):
    """Return the newest values that were read, e.g. ", loss_D 0.512, loss_G 1.03"."""
    return "".join(f", {name} {values[-1]:.3g}" for name, (_, values) in run.history.items())


def picture(run):
    """Return the losses above the preview, as a PNG file in bytes and its text alternative, or None."""
    from .. import plot

    figures, shown = [], run.show()
    if shown is not None and not isinstance(shown, Figure):
        shown = plot.images(shown, cols=12 if len(shown) <= 12 else 8)
    if shown is not None:
        figures.append(shown)
    if run.history:
        width = max([7.2] + [figure.get_figwidth() for figure in figures])
        figures.insert(0, plot.history(run, size=(width, 2.8)))
    if not figures:
        return None
    sheets = [pixels(figure) for figure in figures]
    width = max(sheet.shape[1] for sheet in sheets)
    whole = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in sheets]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(whole)).save(file, "png")
    return file.getvalue(), "; below: ".join(getattr(figure, "alt", "a picture") for figure in figures)


def pixels(figure):
    """Return a figure as uint8 (H, W, 3); it is closed, or the notebook would show it once more."""
    from ..plot.style import close

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    close(figure)
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


class View:
    """What both views know: the run, since when they show it, and the steps that are due to be shown."""

    def __init__(self, run, due):
        self.run, self.first, self.begin, self.due = run, run.step, time.perf_counter(), due

    def status(self, now):
        """Return one line: step, time left, losses."""
        run = self.run
        left = clock((run.steps - run.step) * (now - self.begin) / (run.step - self.first))
        return f"{run.name}: step {run.step}/{run.steps}, {left} left{losses(run)}"


class Text(View):
    """About ten lines of text in a whole run."""

    def __init__(self, run):
        super().__init__(run, range(run.steps, 0, -(run.every or -(-run.steps // 10))))
        self.tried = False  # whether the preview was called

    def update(self, now):
        """Print a line if one is due; return the time."""
        if not self.tried:
            self.tried = True
            self.run.show()  # nobody sees it, but a mistake in it should come to light here as well
        if self.run.step in self.due:
            print(self.status(now), flush=True)
        return time.perf_counter()

    def close(self, outcome):
        """Say so if the loop was left early."""
        if outcome == "stopped":
            print(f"{self.run.name}: stopped at step {self.run.step}/{self.run.steps}", flush=True)


class Notebook(View):
    """One bar and one figure, redrawn in place; the stored outputs keep their last state."""

    def __init__(self, run):
        super().__init__(run, range(0))  # the clock decides
        self.handles, self.next_figure, self.next_step = {}, 0.0, 0
        importlib.import_module("dlimlib.plot")  # here, or the first drawing would seem a slow one

    def update(self, now):
        """Redraw the bar, and the figure unless that took over a tenth of the time; return the time."""
        self._bar(self.status(now))
        if now >= self.next_figure and self.run.step >= self.next_step:
            begin = time.perf_counter()
            self._figure()
            end = time.perf_counter()
            self.next_figure, self.next_step = end + 10 * (end - begin), self.run.step + (self.run.every or 1)
        return time.perf_counter()

    def close(self, outcome):
        """Show the end state; the figure too, unless the loop was left by break or an error."""
        run = self.run
        state = f"{run.steps} steps" if outcome == "done" else f"{outcome} at step {run.step}/{run.steps}"
        self._bar(f"{run.name}: {state} in {clock(run.seconds)}{losses(run)}")
        if outcome != "stopped":
            self._figure()

    def _bar(self, text):
        bar = f'<progress value="{self.run.step}" max="{self.run.steps}" style="width: 16em"></progress>'
        self._show("bar", {"text/html": f"{bar} {html.escape(text)}", "text/plain": text})

    def _figure(self):
        drawn = None if self.run.quiet else picture(self.run)
        if drawn:
            from ..plot.style import bundle

            self._show("figure", *bundle(*drawn))

    def _show(self, key, data, metadata=None):
        from IPython.display import display

        if key in self.handles:
            self.handles[key].update(data, metadata=metadata, raw=True)
        else:
            self.handles[key] = display(data, metadata=metadata, raw=True, display_id=True)

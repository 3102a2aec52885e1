"""A notebook's figures beside the recorded ones."""

import html
import json
import math
from pathlib import Path

from . import recording, settings


class Results:
    """What `results` returns: a table that notebooks show as HTML and terminals as text."""

    def __init__(self, name, figures, stored, *, recording=False):
        self.name, self.figures, self.stored, self.recording = name, figures, stored, recording

    def rows(self):
        """List (key, yours, stored) as texts, one row for each label of a figure that has labels.

        While a notebook is recorded or refreshed its figures are those that are stored: rows are
        (key, recorded).
        """
        recorded = (self.stored or {}).get("figures", {})
        rows = []
        for key, mine in self.figures.items():
            for label in _labels(mine):
                title = key if label is None else f"{key}/{label}"
                theirs = () if self.recording else (_show(recorded.get(key), label),)
                rows.append((title, _show(mine, label), *theirs))
        return rows

    def head(self):
        """Name the columns."""
        return ("", "recorded") if self.recording else ("", "yours", "stored")

    def origin(self):
        """Say in a line where the stored figures come from."""
        if not self.stored:
            return f"no figures are stored for {self.name} yet"
        made = self.stored["made_on"]
        facts = [f"profile {made.get('profile')}", made.get("device"), f"torch {made.get('torch')}"]
        facts.append(f"reader of faces v{made.get('reader', 1)}")
        if not self.recording:
            facts += [f"seed {made.get('seed')}", duration(made.get("seconds"))]
        return f"{self.head()[-1]}: " + ", ".join(filter(None, [*facts, made.get("data")]))

    def __repr__(self):
        table = [self.head(), *self.rows()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for title, *texts in table:
            cells = (f"{text:>{width}}" for text, width in zip(texts, widths[1:], strict=True))
            lines.append("  ".join([title.ljust(widths[0]), *cells]))
        return "\n".join([*lines, self.origin()])

    def _repr_html_(self):
        cells = lambda tag, row: "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in row)  # noqa: E731
        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in self.rows())
        head = f"<tr>{cells('th', self.head())}</tr>"
        return f"<table>{head}{body}</table><small>{html.escape(self.origin())}</small>"


def results(name, **figures):
    """Show figures (number, {"seeds": [numbers]} or {label: number}) beside those stored under `name`.

    While a notebook is recorded they are handed to the recorder instead; calls of one name merge. While it
    is refreshed the stored ones are shown, so that no figure stands beside one of another training.
    """
    now, theirs = recording.current(), stored(name)
    figures = {key: _plain(key, value) for key, value in figures.items()}
    if now and now.records:
        return Results(name, figures, _hand_over(name, figures), recording=True)
    if now and theirs:
        shown = {key: theirs["figures"].get(key) for key in figures}
        return Results(name, shown, theirs, recording=True)
    return Results(name, figures, theirs)


def stored(name):
    """Return what is stored under `name` ({"made_on": …, "figures": …}), or None."""
    folders = [Path(__file__).with_name("_results")]
    if settings.checkout():
        folders.insert(0, settings.checkout() / "data" / "results")
    for folder in folders:
        if (folder / f"{name}.json").is_file():
            return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return None


def _plain(key, value, *, nested=False):
    """Turn a figure into plain Python numbers; while recording they must be finite."""
    if isinstance(value, dict) and value and not nested:
        if set(value) == {"seeds"}:
            return {"seeds": [_plain(key, v, nested=True) for v in value["seeds"]]}
        return {str(label): _plain(key, v, nested=True) for label, v in value.items()}
    try:
        value = value.item() if hasattr(value, "item") else value
        math.isfinite(value)  # raises for what is no number
    except (TypeError, ValueError, RuntimeError):
        kinds = 'a number, {"seeds": [numbers]} or {label: number}'
        raise TypeError(f"figure {key} must be {kinds}, got {type(value).__name__}") from None
    if (now := recording.current()) and now.records and not math.isfinite(value):
        raise ValueError(f"figure {key} is {value}, which can't be stored")
    return value if isinstance(value, int) else float(value)


def _hand_over(name, figures):
    path = recording.current().folder / "results" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    earlier = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    record = {"made_on": recording.made_on(), "figures": earlier | figures}
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


def _labels(figure):
    return list(figure) if isinstance(figure, dict) and "seeds" not in figure else [None]


def _show(figure, label):
    """Write one figure with four digits; several seeds as mean ± standard deviation."""
    if isinstance(figure, dict) and label is not None:
        figure = figure.get(label)
    if isinstance(figure, dict) and "seeds" in figure:
        import statistics

        n = len(figure["seeds"])
        spread = statistics.stdev(figure["seeds"]) if n > 1 else 0.0
        return f"{statistics.fmean(figure['seeds']):.4g} ± {spread:.2g} ({n} seeds)"
    return f"{figure:.4g}" if isinstance(figure, int | float) else "–"


def duration(seconds):
    """Write seconds (or None) as a reader says them."""
    if seconds is None:
        return "unknown time"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

"""A notebook's figures beside the recorded ones."""

import html
import json
import math
from collections.abc import Callable
from typing import Any

from . import recording, settings

PAGE = 92  # characters that a table may be wide


class Results:
    """What `results` returns: tables that notebooks show as HTML and terminals as text."""

    def __init__(self, name, figures, stored, *, recording=False):
        self.name, self.figures, self.stored, self.recording = name, figures, stored, recording

    def tables(self) -> list[tuple]:
        """Return [(title, columns, head, rows)], rows [(label, texts)]: a table of the single figures, one
        of all with the same labels, a column for each, cut where it would not fit on a page.

        A row has the texts of `head`, yours and stored, for each of the columns; while a notebook is recorded
        or refreshed its figures are those that will be stored, and there is one text for each.
        """
        groups: dict[tuple, list[str]] = {}
        for key, mine in self.figures.items():
            groups.setdefault(tuple(_labels(mine)), []).append(key)
        tables = []
        for labels, keys in groups.items():
            if labels == (None,):
                tables.append(("", [""], self.head(), [(_words(key), self.texts(key, None)) for key in keys]))
                continue
            title, columns = _shared(keys)
            names = [_words(label) for label in labels]
            texts = {key: [self.texts(key, label) for label in labels] for key in keys}
            for part in _pages(texts, columns, self.head(), max(map(len, (title, *names)))):
                rows = [(name, [t for key in part for t in texts[key][i]]) for i, name in enumerate(names)]
                heads = [columns[key] for key in part]
                alone = self.recording and any(heads)  # then the figures' names are heading enough
                tables.append((title, [""], heads, rows) if alone else (title, heads, self.head(), rows))
        return tables

    def texts(self, key, label):
        """Write a figure's number, yours and the stored one."""
        theirs = (self.stored or {}).get("figures", {}).get(key)
        return [_show(self.figures[key], label)] + ([] if self.recording else [_show(theirs, label)])

    def head(self):
        """Name the texts of a column."""
        return ("recorded",) if self.recording else ("yours", "stored")

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
        return "\n\n".join(_text(*table) for table in self.tables()) + f"\n{self.origin()}"

    def _repr_html_(self):
        tables = "".join(_html(*table) for table in self.tables())
        return f"{tables}<small>{html.escape(self.origin())}</small>"


def _words(name):
    """Return a key or a label as a reader says it."""
    return str(name).replace("_", " ")


def _shared(keys):
    """Return the words with which all keys begin, a table's title, and the rest of each key, its column."""
    words = [key.split("_") for key in keys]
    n = 0
    while len(keys) > 1 and all(len(w) > n + 1 and w[n] == words[0][n] for w in words):
        n += 1
    if len(keys) == 1:
        return _words(keys[0]), {keys[0]: ""}
    return " ".join(words[0][:n]), {key: " ".join(w[n:]) for key, w in zip(keys, words, strict=True)}


def _pages(texts, columns, head, first):
    """Return the keys in lists of which each, beside a column `first` wide, fits on a page."""
    pages, room = [], 0
    for key, rows in texts.items():
        need = sum(2 + max(map(len, column)) for column in zip(head, *rows, strict=True))
        need = max(need, 2 + len(columns[key]))
        if not pages or room < need:
            pages.append([])
            room = PAGE - first
        pages[-1].append(key)
        room -= need
    return pages


def _text(title, columns, head, rows):
    """Return one table as lines of text, the columns' names above yours and stored."""
    rows, n = [(title, [*head] * len(columns)), *rows], len(head)
    widths = [max(len(texts[i]) for _, texts in rows) for i in range(n * len(columns))]
    for k, column in enumerate(columns):
        widths[k * n] += max(0, len(column) - sum(widths[k * n : k * n + n]) - 2 * (n - 1))
    first = max(len(label) for label, _ in rows)
    line = lambda label, texts, widths: "  ".join(  # noqa: E731
        [label.ljust(first), *(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))]
    )
    above = [sum(widths[k * n : k * n + n]) + 2 * (n - 1) for k in range(len(columns))]
    lines = [line("", columns, above)] if any(columns) else []
    return "\n".join(lines + [line(label, texts, widths) for label, texts in rows])


def _html(title, columns, head, rows):
    """Return one table as HTML: the columns' names above yours and stored."""
    cell = lambda text, tag="td", more="": f"<{tag}{more}>{html.escape(text)}</{tag}>"  # noqa: E731
    lines = []
    if any(columns):
        wide = f' colspan="{len(head)}" style="text-align: center; max-width: 12em"'
        lines.append(cell("", "th") + "".join(cell(column, "th", wide) for column in columns))
    lines.append(cell(title, "th") + "".join(cell(name, "th") for name in head * len(columns)))
    lines += [cell(label) + "".join(map(cell, texts)) for label, texts in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def with_recorded(
    name: str, key: str, mine: dict, *, numbers: Callable[[Any], float] = float, use: bool = True
) -> dict[str, dict[float, float]]:
    """Return {"recorded": {x: y}, "yours": {x: y}} for dl.plot.curve: the figure {label: y} that is stored
    under `name` as `key`, and yours; the recorded line alone where yours is the same or is being recorded.

    numbers: turns a label into its x. use: False where the stored figures speak of other data than yours.
    """
    theirs = (stored(name) or {}).get("figures", {}).get(key) if use else None
    yours, theirs = ({numbers(k): v for k, v in (figure or {}).items()} for figure in (mine, theirs))
    if now := recording.current():
        return {"recorded": yours if now.records else theirs or yours}
    if yours == theirs:
        return {"recorded": yours}
    return {"recorded": theirs, "yours": yours} if theirs else {"yours": yours}


def results(name: str, **figures: Any) -> Results:
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


def stored(name: str) -> dict[str, dict] | None:
    """Return what is stored under `name` ({"made_on": …, "figures": …}), or None."""
    path = settings.stored(f"results/{name}.json")
    return json.loads(path.read_text(encoding="utf-8")) if path else None


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
    record = {"made_on": made_on(), "figures": earlier | figures}
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


def made_on(training: str | None = None) -> dict[str, Any]:
    """Return where this process computes (device, torch, dlimlib, profile), with which reader of faces; in a
    recording also the seconds: of each training and in all, or those of one training, if it has a Run."""
    import torch

    from . import __version__, metrics

    device = settings.device()
    made = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "torch": torch.__version__,
        "dlimlib": __version__,
        "reader": metrics.READER,
        "profile": settings.profile(),
    }
    if now := recording.current():
        trainings = now.seconds()
        made["seconds"] = round(trainings.get(training or "", sum(trainings.values())), 1)
        made |= {"trainings": trainings} if training is None else {}
    return made


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

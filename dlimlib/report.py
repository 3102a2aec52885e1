"""A notebook's figures beside the recorded ones."""

import html
import json
import math
import statistics
from collections.abc import Callable
from itertools import chain
from os.path import commonprefix
from typing import Any

from . import recording, settings

PAGE = 92  # characters that a table may be wide


class Results:
    """What `results` returns: tables that notebooks show as HTML and terminals as text.

    While a notebook is recorded or refreshed its figures are those that will be stored, and stand alone.
    """

    def __init__(self, name, figures, stored, *, recording=False):
        self.name, self.figures, self.stored = name, figures, stored
        self.head = ["recorded"] if recording else ["yours", "stored"]

    def tables(self) -> list[tuple[list[str], list[list[str]]]]:
        """Return [(names, rows)], rows of texts: a table of the single figures, and for all with the same
        labels one, cut where it would not fit on a page.

        The first row is the head, yours and stored; several figures in a table have their `names` above it.
        """
        groups: dict[tuple, list[str]] = {}
        for key, mine in self.figures.items():
            labels = tuple(mine) if isinstance(mine, dict) and "seeds" not in mine else ()
            groups.setdefault(labels, []).append(key)
        spaced = lambda names: [str(name).replace("_", " ") for name in names]  # noqa: E731
        tables: list[tuple[list[str], list[list[str]]]] = []
        if single := groups.pop((), None):
            texts = [self.texts(key, None) for key in single]
            tables.append(([], _rows(["", *spaced(single)], [[self.head, *texts]])))
        for labels, keys in groups.items():
            title, names = _shared(keys)
            columns = [[self.head, *(self.texts(key, label) for label in labels)] for key in keys]
            wide = 2 + max(map(len, [*names, *("  ".join(pair) for column in columns for pair in column)]))
            n = max(1, (PAGE - max(map(len, (title, *map(str, labels))))) // wide)
            for i in range(0, len(keys), n):
                above = list(filter(None, names[i : i + n]))
                rows = _rows([title, *spaced(labels)], columns[i : i + n])
                if above and len(self.head) == 1:  # then the names are heading enough
                    above, rows[0] = [], [title, *above]
                tables.append((above, rows))
        return tables

    def texts(self, key, label):
        """Write a figure's number, yours and the stored one."""
        theirs = (self.stored or {}).get("figures", {}).get(key)
        return [_show(figure, label) for figure in (self.figures[key], theirs)][: len(self.head)]

    def origin(self):
        """Say in a line where the stored figures come from."""
        if not self.stored:
            return f"no figures are stored for {self.name} yet"
        made = self.stored["made_on"]
        facts = [f"profile {made.get('profile')}", made.get("device"), f"torch {made.get('torch')}"]
        facts.append(f"reader of faces v{made.get('reader', 1)}")
        if len(self.head) > 1:
            facts += [f"seed {made.get('seed')}", duration(made.get("seconds"))]
        return f"{self.head[-1]}: " + ", ".join(filter(None, [*facts, made.get("data")]))

    def __repr__(self):
        return "\n\n".join(_text(*table) for table in self.tables()) + f"\n{self.origin()}"

    def _repr_html_(self):
        tables = "".join(_html(*table) for table in self.tables())
        return f"{tables}<small>{html.escape(self.origin())}</small>"


def _rows(first, columns):
    """Return the rows of a table: texts, and after each those that the columns have for it."""
    return [[text, *chain(*parts)] for text, *parts in zip(first, *columns, strict=True)]


def _shared(keys):
    """Return the words with which all keys begin, a table's title, and the rest of each key, its column."""
    words = [key.split("_") for key in keys]
    n = min(map(len, words)) - (len(keys) > 1)
    n = min(n, len(commonprefix(words)))
    return " ".join(words[0][:n]), [" ".join(rest[n:]) for rest in words]


def _text(names, rows):
    """Return one table as lines of text, the names above their columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    n = (len(widths) - 1) // max(1, len(names))  # columns of a name
    above = [sum(widths[i : i + n]) + 2 * (n - 1) for i in range(1, len(widths), n)]
    for k, name in enumerate(names):
        widths[1 + k * n] += max(0, len(name) - above[k])
        above[k] = max(above[k], len(name))
    lines = [(["", *names], [widths[0], *above])] * bool(names) + [(row, widths) for row in rows]
    return "\n".join("  ".join([row[0].ljust(wide[0]), *map(str.rjust, row[1:], wide[1:])])
                     for row, wide in lines)  # fmt: skip


def _html(names, rows):
    """Return one table as HTML, the names above their columns."""
    cell = lambda text, tag="td", more="": f"<{tag}{more}>{html.escape(text)}</{tag}>"  # noqa: E731
    wide = ' colspan="2" style="text-align: center; max-width: 12em"'  # yours and stored
    lines = ["<th></th>" + "".join(cell(name, "th", wide) for name in names)] * bool(names)
    lines += ["".join(cell(text, "td" if n else "th") for text in row) for n, row in enumerate(rows)]
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
    """Show figures (number, {"seeds": [numbers]} or {label: either}) beside those stored under `name`.

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


def _plain(key, value):
    """Turn a figure into plain Python numbers; while recording they must be finite."""
    if isinstance(value, dict) and value and set(value) != {"seeds"}:
        return {str(label): _seeds(key, one) for label, one in value.items()}
    return _seeds(key, value)


def _seeds(key, value):
    """Turn a number, or those of several seeds, into plain ones."""
    if isinstance(value, dict) and set(value) == {"seeds"}:
        return {"seeds": [_number(key, one) for one in value["seeds"]]}
    return _number(key, value)


def _number(key, value):
    """Turn what may be a tensor into a plain number."""
    try:
        value = value.item() if hasattr(value, "item") else value
        math.isfinite(value)  # raises for what is no number
    except (TypeError, ValueError, RuntimeError):
        kinds = 'a number, {"seeds": [numbers]} or {label: either}'
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


def _show(figure, label):
    """Write one figure with four digits; several seeds as mean ± standard deviation."""
    if isinstance(figure, dict) and label is not None:
        figure = figure.get(label)
    if isinstance(figure, dict) and "seeds" in figure:
        seeds = figure["seeds"]
        spread = statistics.stdev(seeds) if len(seeds) > 1 else 0.0
        return f"{statistics.fmean(seeds):.4g} ± {spread:.2g} ({len(seeds)} seeds)"
    return f"{figure:.4g}" if isinstance(figure, int | float) else "–"


def duration(seconds):
    """Write seconds (or None) as a reader says them."""
    if seconds is None:
        return "unknown time"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

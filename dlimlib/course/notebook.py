"""Notebooks as files: the stamp of their code, figures quoted in prose, stored outputs."""

import ast
import base64
import hashlib
import json
import os
import re
import statistics
from importlib import import_module
from io import BytesIO

import nbformat
from PIL import Image

MARK = re.compile(r"(<!--r:([\w.-]+(?:/[^<>%]+?)?)(%?)-->)(.*?)(<!--/r-->)", re.S)
GENERATED = {  # the data sets that dlimlib draws itself, and how one sees in the code that they are used
    "toy-faces": (r"toy-faces|\bfaces\.", "dlimlib.data.faces"),
    "toy-digits": (r"toy-digits|\bdigits\.", "dlimlib.data.digits"),
}
# as JupyterLab writes it when a notebook is opened and saved, on the Python that was tested: another one
# changes the line "version", which comes from the kernel
LAB = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11.7",
    },
}
MAX_FILE = 50 << 20  # bytes of a notebook that is handed in
RULES = 2  # of what is stored: since 2 every picture has a text
WIDGET = "application/vnd.jupyter.widget-view+json"


def read(path):
    """Return the notebook at path, in the newest format."""
    return nbformat.read(path, as_version=4)


def dumps(nb):
    """Return the notebook as its file holds it and JupyterLab would save it: ids kept, indented by one."""
    if nb.metadata.get("kernelspec", {}).get("name", "python3") == "python3":  # the course's own kernel
        nb = nbformat.from_dict({**nb, "metadata": {**nb.metadata, **LAB}})
    return nbformat.writes(nb, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def write(nb, path):
    """Write the notebook to path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(nb), encoding="utf-8", newline="\n")


def put(path, data):
    """Write bytes to path, all of them or none, and the folders above it where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(data)
    os.replace(aside, path)


def code(nb):
    """Return [(index, cell)] of the code cells that are not empty."""
    return [(i, c) for i, c in enumerate(nb.cells) if c.cell_type == "code" and c.source.strip()]


def tags(cell):
    """Return the cell's tags."""
    return cell.metadata.get("tags", [])


def sections(nb):
    """Return {index: the nearest heading above} for every cell."""
    found, heading = {}, ""
    for index, cell in enumerate(nb.cells):
        lines = cell.source.splitlines() if cell.cell_type == "markdown" else ()
        heading = next((line.lstrip("#").strip() for line in lines if re.match("#+ ", line)), heading)
        found[index] = heading
    return found


# ------------------------------------------------------------------------------------------------ stamp


def parse(source):
    """Return the syntax tree of a cell, which may hold magics."""
    from IPython.core.inputtransformer2 import TransformerManager

    return ast.parse(TransformerManager().transform_cell(source))


def plain(node):
    """Return a syntax tree as lists of text, the same in every Python: no comments, no positions."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return [type(node).__name__, *([name, plain(value)] for name, value in fields)]
    return [plain(item) for item in node] if isinstance(node, list) else repr(node)


def stamp(nb):
    """Return the hash of the notebook's code and data version; stored outputs are stale when it differs."""
    running = hashlib.sha256(data_version(nb).encode())
    for _, cell in code(nb):
        if cell.get("id") != "bootstrap":
            running.update(json.dumps(plain(parse(cell.source))).encode() + b"\n")
    return running.hexdigest()


def data_versions(text):
    """Return {name: version} of the generated data sets that a text of code uses."""
    used = {name: module for name, (sign, module) in GENERATED.items() if re.search(sign, text)}
    return {name: import_module(module).VERSION for name, module in used.items()}


def data_version(nb):
    """Name the generated data sets that the notebook uses, with their versions: "toy-faces v1"."""
    versions = data_versions("\n".join(cell.source for _, cell in code(nb)))
    return ", ".join(f"{name} v{version}" for name, version in versions.items())


# ------------------------------------------------------------------------------------------------ marks


def fill_marks(nb, figures):
    """Put figures between the marks of the prose, <!--r:key-->0.021<!--/r-->, keeping the decimals.

    `key/label` picks one of several, the mean is taken over seeds, and `key%` is shown times 100.
    Raises KeyError with all keys that have no figure.
    """
    missing = []

    def fill(match):
        start, key, percent, old, end = match.groups()
        value = _figure(figures, key)
        if value is None:
            missing.append(key)
            return match[0]
        decimals = len(old.strip().partition(".")[2])
        return f"{start}{value * (100 if percent else 1):.{decimals}f}{end}"

    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = MARK.sub(fill, cell.source)
    if missing:
        raise KeyError(f"the prose quotes figures that the notebook does not report: {', '.join(missing)}")


def check_marks(nb, figures):
    """Return a sentence for each figure in the prose that is unknown or differs from the stored one."""
    problems = []
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        if cell.source.count("<!--r:") != len(MARK.findall(cell.source)):
            problems.append(f"cell {cell.id}: a mark <!--r:key--> is not closed by <!--/r-->")
        for match in MARK.finditer(cell.source):
            alone = nbformat.from_dict({"cells": [{"cell_type": "markdown", "source": match[0]}]})
            try:
                fill_marks(alone, figures)
            except KeyError:
                problems.append(f"cell {cell.id}: no figure {match[2]} is stored")
                continue
            right = MARK.match(alone.cells[0].source)[4]
            if right != match[4]:
                problems.append(f"cell {cell.id}: {match[2]} reads {match[4]}, stored is {right}")
    return problems


def _figure(figures, key):
    name, _, label = key.partition("/")
    value = figures.get(name)
    if isinstance(value, dict) and label:
        value = value.get(label)
    if isinstance(value, dict) and "seeds" in value:
        value = statistics.fmean(value["seeds"])
    return value if isinstance(value, int | float) else None


# ------------------------------------------------------------------------------------------------ outputs


def clean_outputs(nb):
    """Drop progress bars, widget state, and the live half of every widget that leaves a still picture.

    Photographs become JPEG, see lighten; plots stay PNG. Every picture has a text, see describe.
    """
    nb.metadata.pop("widgets", None)
    headings = sections(nb)
    for index, cell in code(nb):
        kept = []
        for output in cell.outputs:
            if "data" in output and WIDGET in output.data:
                if "image/png" not in output.data:
                    continue  # a bar or a widget without a picture: nothing of it can be seen later
                del output.data[WIDGET]
            lighten(output)
            describe(output, headings[index])
            if output.output_type == "stream":
                lines = (line.rsplit("\r", 1)[-1] for line in re.findall(r"[^\n]*\n|[^\n]+", output.text))
                output.text = "".join(line for line in lines if not re.search(r"\d+%\|.*\||\d+it \[", line))
                if not output.text.strip():
                    continue
            kept.append(output)
        cell.outputs = kept
        cell.metadata.pop("execution", None)


def lighten(output):
    """Turn the PNG of an output into a JPEG where that saves a quarter or more: grids of photographs.

    Half the resolution in colour costs nothing there: their pixels are drawn twice as large.
    """
    data = output.get("data", {})
    if "image/png" in data:
        png, jpeg = base64.b64decode(data["image/png"]), BytesIO()
        Image.open(BytesIO(png)).convert("RGB").save(jpeg, "jpeg", quality=60, subsampling=2)
        if len(jpeg.getvalue()) < 0.75 * len(png):
            del data["image/png"]
            data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode()
            if "image/png" in output.metadata:  # its text alternative
                output.metadata["image/jpeg"] = output.metadata.pop("image/png")


def pictures(output):
    """Return {kind: text alternative, "" where there is none} of the pictures in an output."""
    kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
    return {kind: output.metadata.get(kind, {}).get("alt", "") for kind in kinds}


def describe(output, heading):
    """Give every picture without a text alternative one: its text/plain, or the heading above."""
    for kind, alt in pictures(output).items():
        if not alt:
            plain = output.data.get("text/plain", "")
            text = heading if re.match(r"<.*>$", plain.strip(), re.S) else plain  # "<Figure size 600x400 …>"
            output.metadata.setdefault(kind, nbformat.NotebookNode())["alt"] = text or "a picture"


def set_cover(nb):
    """Attach the picture of the cell tagged `cover` to the title cell, where ![…](attachment:cover) shows it.

    Returns the picture's bytes and file suffix, or None where no cell is tagged.
    """
    for _, cell in code(nb):
        for output in cell.outputs if "cover" in tags(cell) else ():
            for kind in ("image/jpeg", "image/png"):
                if kind in output.get("data", {}):
                    title = next(c for c in nb.cells if c.get("id") == "title")
                    title["attachments"] = {"cover": {kind: output.data[kind]}}
                    return base64.b64decode(output.data[kind]), "." + kind.partition("/")[2]
    return None


# ----------------------------------------------------------------------------------------------- graded cells


def is_solution(cell):
    """Whether students write this code cell, and its test cell is graded by the machine."""
    info = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(info.get("solution")) and not info.get("grade")


def is_test(cell):
    """Whether this cell tests the solution above it."""
    info = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(info.get("grade")) and not info.get("solution")


def is_question(cell):
    """Whether students write their answer here, and a person grades it."""
    info = cell.metadata.get("nbgrader", {})
    return bool(info.get("grade")) and bool(info.get("solution"))

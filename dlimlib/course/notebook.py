"""Notebooks as files: the stamp of their code, figures quoted in prose, stored outputs, the conventions."""

import ast
import base64
import hashlib
import json
import re
import statistics
from importlib import import_module
from io import BytesIO

import nbformat
from PIL import Image

MARK = re.compile(r"(<!--r:([\w./-]+)(%?)-->)(.*?)(<!--/r-->)", re.S)
GENERATED = {  # the data sets that dlimlib draws itself, and how one sees in the code that they are used
    "toy-faces": (r"toy-faces|\bfaces\.", "dlimlib.data.faces"),
    "toy-digits": (r"toy-digits|\bdigits\.", "dlimlib.data.digits"),
}
METADATA = {"accelerator": "GPU", "colab": {"provenance": [], "gpuType": "T4"}}
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
WIDGET = "application/vnd.jupyter.widget-view+json"
MAX_OUTPUTS, MAX_LINES = 1_500_000, 30
# what gives a user's machine away: folders of theirs, and the temporary file names that warnings quote
PRIVATE = re.compile(r"/home/\w+|/Users/\w+|/root/\w+|[A-Z]:\\+Users|/tmp/\w+|ipykernel_\d+")
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=\s]+")


def read(path):
    """Return the notebook at path, in the newest format."""
    return nbformat.read(path, as_version=4)


def dumps(nb):
    """Return the notebook as its file holds it: ids kept, indented by one, a newline at the end."""
    return nbformat.writes(nb, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def write(nb, path):
    """Write the notebook to path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(nb), encoding="utf-8", newline="\n")


def code(nb):
    """Return [(index, cell)] of the code cells that are not empty."""
    return [(i, c) for i, c in enumerate(nb.cells) if c.cell_type == "code" and c.source.strip()]


def tags(cell):
    """Return the cell's tags."""
    return cell.metadata.get("tags", [])


# ------------------------------------------------------------------------------------------------ stamp


def parse(source):
    """Return the syntax tree of a cell, which may hold magics."""
    from IPython.core.inputtransformer2 import TransformerManager

    return ast.parse(TransformerManager().transform_cell(source))


def tree(source):
    """Return a cell's syntax tree as text, the same in every Python: no comments, no positions."""

    def plain(node):
        if isinstance(node, ast.AST):
            fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
            return [type(node).__name__, *([name, plain(value)] for name, value in fields)]
        return [plain(item) for item in node] if isinstance(node, list) else repr(node)

    return json.dumps(plain(parse(source)))


def prefix_stamps(nb):
    """Return {index: hash of the code down to this cell} for every code cell but the bootstrap cell."""
    running, stamps = hashlib.sha256(data_version(nb).encode()), {}
    for i, cell in code(nb):
        if cell.get("id") != "bootstrap":
            running.update(tree(cell.source).encode() + b"\n")
            stamps[i] = running.copy().hexdigest()
    return stamps


def stamp(nb):
    """Return the hash of the notebook's code and data version; stored outputs are stale when it differs."""
    return next(reversed(prefix_stamps(nb).values()), "")


def data_version(nb):
    """Name the generated data sets that the notebook uses, with their versions: "toy-faces v1"."""
    text = "\n".join(cell.source for _, cell in code(nb))
    used = [(name, module) for name, (sign, module) in GENERATED.items() if re.search(sign, text)]
    return ", ".join(f"{name} v{import_module(module).VERSION}" for name, module in used)


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
    if isinstance(value, dict):
        value = statistics.fmean(value["seeds"]) if "seeds" in value and not label else value.get(label)
    return value if isinstance(value, int | float) else None


# ------------------------------------------------------------------------------------------------ outputs


def clean_outputs(nb):
    """Drop progress bars, widget state, and the live half of every widget that leaves a still picture.

    Photographs become JPEG, see lighten; plots stay PNG.
    """
    nb.metadata.pop("widgets", None)
    for _, cell in code(nb):
        kept = []
        for output in cell.outputs:
            if "data" in output and WIDGET in output.data:
                if "image/png" not in output.data:
                    continue  # a bar or a widget without a picture: nothing of it can be seen later
                del output.data[WIDGET]
            lighten(output.get("data", {}))
            if output.output_type == "stream":
                lines = (line.rsplit("\r", 1)[-1] for line in re.findall(r"[^\n]*\n|[^\n]+", output.text))
                output.text = "".join(line for line in lines if not re.search(r"\d+%\|.*\||\d+it \[", line))
                if not output.text.strip():
                    continue
            kept.append(output)
        cell.outputs = kept
        cell.metadata.pop("execution", None)


def lighten(data):
    """Turn the PNG in an output's data into a JPEG where that saves a quarter or more: grids of photographs.

    Half the resolution in colour costs nothing there: their pixels are drawn twice as large.
    """
    if "image/png" in data:
        png, jpeg = base64.b64decode(data["image/png"]), BytesIO()
        Image.open(BytesIO(png)).convert("RGB").save(jpeg, "jpeg", quality=60, subsampling=2)
        if len(jpeg.getvalue()) < 0.75 * len(png):
            del data["image/png"]
            data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode()


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


# ------------------------------------------------------------------------------------------------ conventions


def lint(nb):
    """Return a sentence for every convention of the course that the notebook breaks."""
    return [*_lint_frame(nb), *_lint_outputs(nb), *_lint_grading(nb)]


def _lint_frame(nb):
    for key, value in METADATA.items():
        if nb.metadata.get(key) != value:
            yield f"metadata: {key} must be {json.dumps(value)}"
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "metadata: the kernelspec must be python3"
    ids = [cell.get("id") for cell in nb.cells]
    for i, cell in enumerate(nb.cells):
        name = f"cell {cell.get('id') or i}"
        if not cell.get("id") or ids.count(cell.id) > 1:
            yield f"{name}: needs an id of its own"
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDES:
            yield f"{name}: needs a slide type"
        if cell.cell_type == "code":
            shown = re.sub(r"(?s)### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", cell.source).strip()
            if shown.count("\n") >= MAX_LINES and not {"model", "train"} & set(tags(cell)):
                yield f"{name}: has more than {MAX_LINES} lines; only cells tagged model or train may"
    for special, kind in (("title", "markdown"), ("bootstrap", "code")):
        if not any(cell.get("id") == special and cell.cell_type == kind for cell in nb.cells):
            yield f"there must be a {kind} cell with the id {special}"


def _lint_outputs(nb):
    cells = code(nb)
    if [cell.execution_count for _, cell in cells] != list(range(1, len(cells) + 1)):
        yield "the cells were not executed in order, once each; record or refresh the notebook"
    if (size := sum(len(json.dumps(cell.outputs)) for _, cell in cells)) > MAX_OUTPUTS:
        yield f"the stored outputs take {size / 1e6:.1f} MB; {MAX_OUTPUTS / 1e6} are allowed"
    if "widgets" in nb.metadata:
        yield "metadata: holds the state of widgets"
    for _, cell in cells:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {cell.id}: an error is stored"
            data = output.get("data", {})
            if WIDGET in data:
                yield f"cell {cell.id}: a live widget is stored; it needs a still picture"
            texts = [output.get("text", ""), *(str(v) for k, v in data.items() if not k.startswith("image/"))]
            if match := PRIVATE.search(EMBEDDED.sub("", "\n".join(texts))):
                yield f"cell {cell.id}: the output quotes a path of this machine ({match[0]})"


def is_solution(cell):
    """Whether students write this code cell, and its test cell is graded by the machine."""
    info = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(info.get("solution")) and not info.get("grade")


def is_test(cell):
    """Whether this cell tests the solution above it."""
    info = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(info.get("grade")) and not info.get("solution")


def _lint_grading(nb):
    seen, waiting = set(), None  # waiting: the grade_id of a solution whose test has not come yet
    for cell in nb.cells:
        for what in ("SOLUTION", "HIDDEN TESTS"):
            order = re.findall(rf"### (BEGIN|END) {what}\b", cell.source)
            if order != ["BEGIN", "END"] * (len(order) // 2):
                yield f"cell {cell.id}: ### BEGIN {what} and ### END {what} must come in pairs"
        info = cell.metadata.get("nbgrader")
        if info is None:
            if "### BEGIN SOLUTION" in cell.source or "### BEGIN HIDDEN TESTS" in cell.source:
                yield f"cell {cell.id}: has markers of an exercise but no nbgrader metadata"
            continue
        name = info.get("grade_id") or cell.id
        yield from (f"{name}: {problem}" for problem in _metadata_problems(cell, info, seen))
        seen.add(name)
        if "heavy" in tags(cell):
            yield f"{name}: a graded cell must not be heavy, since graders skip those"
        if is_solution(cell):
            if "### BEGIN SOLUTION" not in cell.source:
                yield f"{name}: there is no ### BEGIN SOLUTION"
            if waiting:
                yield f"{waiting}: must be followed by its test cell"
            waiting = name
        elif is_test(cell):
            waiting = None
            hidden = re.search(r"(?s)### BEGIN HIDDEN TESTS(.*)### END HIDDEN TESTS", cell.source)
            if not hidden or not re.search(r"\bprobe\(", hidden[1]):
                yield f"{name}: there is no probe among the hidden tests"
            if any(isinstance(node, ast.Assert) and not node.msg for node in ast.walk(parse(cell.source))):
                yield f"{name}: an assert without a sentence that says what is wrong"
    if waiting:
        yield f"{waiting}: must be followed by its test cell"


def _metadata_problems(cell, info, seen):
    if info.get("schema_version") != 3:
        yield "the nbgrader metadata must have schema_version 3"
    if not re.fullmatch(r"[\w-]+", str(info.get("grade_id", ""))):
        yield "needs a grade_id of letters, digits, _ and -"
    elif info["grade_id"] in seen:
        yield "this grade_id is there twice"
    if any(not isinstance(info.get(key), bool) for key in ("grade", "solution", "locked", "task")):
        yield "grade, solution, locked and task must be true or false"
    if info.get("grade") and not isinstance(info.get("points"), int | float):
        yield "needs points"
    if info.get("cell_type", cell.cell_type) != cell.cell_type:
        yield "the cell type has changed"
    if info.get("locked") == info.get("solution"):
        yield "what students write is not locked, and the rest is"
    if cell.cell_type == "markdown" and info.get("grade") and not info.get("solution"):
        yield "a question that is graded must also be a solution"

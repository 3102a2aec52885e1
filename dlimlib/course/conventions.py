"""The conventions that every notebook of the course keeps."""

import ast
import json
import re

from .notebook import LAB, WIDGET, code, is_solution, is_test, parse, pictures, tags

METADATA = {"accelerator": "GPU", "colab": {"provenance": [], "gpuType": "T4"}}
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
MAX_OUTPUTS, MAX_LINES = 1_500_000, 30
# what gives a user's machine away: folders of theirs, and the temporary file names that warnings quote
PRIVATE = re.compile(r"/home/\w+|/Users/\w+|/root/\w+|[A-Z]:\\+Users|/tmp/\w+|ipykernel_\d+")
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=\s]+")


def lint(nb):
    """Return a sentence for every convention of the course that the notebook breaks."""
    return [*_lint_frame(nb), *_lint_outputs(nb), *_lint_grading(nb)]


def _lint_frame(nb):
    for key, value in METADATA.items():
        if nb.metadata.get(key) != value:
            yield f"metadata: {key} must be {json.dumps(value)}"
    for key, value in LAB.items():
        if nb.metadata.get(key) != value:
            yield f"metadata: {key} must be as JupyterLab saves it, see LAB in course/notebook.py"
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
            if nb.metadata.get("dlim", {}).get("rules", 1) >= 2 and not all(pictures(output).values()):
                yield f"cell {cell.id}: a picture without a text alternative is stored"
            if WIDGET in data:
                yield f"cell {cell.id}: a live widget is stored; it needs a still picture"
            texts = [output.get("text", ""), *(str(v) for k, v in data.items() if not k.startswith("image/"))]
            if match := PRIVATE.search(EMBEDDED.sub("", "\n".join(texts))):
                yield f"cell {cell.id}: the output quotes a path of this machine ({match[0]})"


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

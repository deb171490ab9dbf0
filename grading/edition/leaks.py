"""Is anything left in the student edition that students must not see?

Nothing here takes part in removing solutions. The lines of the worked notebooks' hidden regions are
looked for in the student edition, wherever they may be, and so are outputs and markers.
"""

from collections import Counter

import nbformat

from grading.edition.course import NOTEBOOK_METADATA, TEXT_STUB, TOP_LEVEL_STUB, repository_lines
from grading.exercises import (
    MARK_SCHEME,
    intended_marker,
    nbgrader,
    places,
    regions,
)

STUBS = {"code": TOP_LEVEL_STUB.rstrip("."), "markdown": TEXT_STUB}
# Of nbgrader's metadata, what grading goes by.
KEPT = ("grade", "solution", "locked", "task", "points")


def findings(worked, released, repository):
    """What is wrong with the notebooks of a student edition.

    Parameters
    ----------
    worked, released : dict
        The worked notebooks and those of the student edition (nbformat.NotebookNode), by name.
    repository : str
        The owner/name that setup cells must have.

    Returns
    -------
    list of str
        One line each, with the place; empty if all is well.
    """
    found = [f"notebooks/{name}.ipynb was not made" for name in worked if name not in released]
    hidden = _hidden_lines(worked)
    may_be_shown = Counter(line for notebook in worked.values() for line in _visible(notebook))
    shown = Counter(line for notebook in released.values() for line in _lines(notebook))
    # A line that also stands outside of the regions is no leak, unless it is there once more.
    leaked = {line for line in hidden if shown[line] > may_be_shown[line]}
    for name, notebook in released.items():
        path = f"notebooks/{name}.ipynb"
        try:
            nbformat.validate(notebook)
        except nbformat.ValidationError as error:
            found.append(f"{path} is no valid notebook: {error.message}")
        for key in sorted(notebook.metadata.keys() - NOTEBOOK_METADATA):
            found.append(f"{path}: {key!r} is left in its metadata")
        for place, cell in places(name, notebook):
            found += [f"{place}: {problem}" for problem in _left_in(cell, hidden, leaked)]
        if name in worked:
            found += _changed_exercises(name, worked[name], notebook)
        if repository_lines(notebook) != [f'REPOSITORY = "{repository}"']:
            found.append(f"{path}: REPOSITORY is not {repository} in its setup cell")
    return found


def _left_in(cell, hidden, leaked):
    """What of the worked edition a cell still has."""
    for line in cell.source.split("\n"):
        if _squeeze(line) in leaked:
            yield f"a line of the {hidden[_squeeze(line)]} is left: {line.strip()}"
        elif intended_marker(line, cell):
            yield f"a marker is left: {line.strip()}"
    if cell.cell_type == "code" and cell.outputs:
        yield "its output is left"
    if cell.cell_type == "code" and cell.execution_count is not None:
        yield "its execution count is left"
    elsewhere = [text for key, part in cell.items() if key != "source" for text in _texts(part)]
    for line, kind in hidden.items():
        # A shorter one may be a word that anything contains.
        if len(line) >= 16 and any(line in _squeeze(text) for text in elsewhere):
            yield f"a line of the {kind} is left outside of its text: {line}"


def _changed_exercises(name, worked, released):
    """Exercises without a place for the answer, or without the metadata that grading needs."""
    cells = {nbgrader(cell).get("grade_id"): cell for cell in released.cells}
    for place, cell in places(name, worked):
        before = nbgrader(cell)
        if "grade_id" not in before:
            continue
        student_cell = cells.get(before["grade_id"])
        if student_cell is None:
            yield f"{place}: this exercise is gone"
            continue
        after = nbgrader(student_cell)
        if any(before.get(key) != after.get(key) for key in KEPT) or "checksum" not in after:
            yield f"{place}: its nbgrader metadata is another, or has no checksum"
        if before.get("solution") and STUBS[cell.cell_type] not in student_cell.source:
            yield f"{place}: nothing says where to write the answer"


def _hidden_lines(notebooks):
    """By each line of a hidden region, which kind of region it is from."""
    return {
        _squeeze(line): "mark scheme" if kind == MARK_SCHEME else kind.lower()
        for notebook in notebooks.values()
        for cell in notebook.cells
        for kind, lines in regions(cell)
        for line in lines
        if kind and line.strip()
    }


def _visible(notebook):
    """Lines outside of hidden regions."""
    for cell in notebook.cells:
        for kind, lines in regions(cell):
            if kind is None:
                yield from map(_squeeze, lines)


def _lines(notebook):
    for cell in notebook.cells:
        yield from map(_squeeze, cell.source.split("\n"))


def _texts(value):
    """All strings inside of nested lists and dictionaries."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


def _squeeze(line):
    return " ".join(line.split())

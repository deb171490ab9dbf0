"""Are the worked notebooks fit to make a student edition from?

nbgrader overlooks a mistyped marker, or an exercise that lost its metadata, and would hand out the
solution. Here every marker and every exercise is looked at before nbgrader starts.
"""

import re

from jsonschema import ValidationError as SchemaError
from nbgrader.nbgraderformat import (
    MetadataValidator,
    SchemaTooNewError,
    SchemaTooOldError,
    ValidationError,
)

from grading.edition.course import POINTS, repository_lines
from grading.exercises import (
    HIDDEN_TESTS,
    MARK_SCHEME,
    SOLUTION,
    WORDS,
    intended_marker,
    marker,
    nbgrader,
    places,
    points_by_question,
    regions,
)


def findings(notebooks, table=POINTS):
    """What keeps worked notebooks from becoming a student edition.

    Parameters
    ----------
    notebooks : dict
        Notebooks (nbformat.NotebookNode) by name, without `.ipynb`.
    table : dict
        For each name the points by question.

    Returns
    -------
    list of str
        One line each, with the place; empty if all is well.
    """
    found = [f"notebooks/{name}.ipynb is missing" for name in table if name not in notebooks]
    place_of = {}
    for name, notebook in notebooks.items():
        path = f"notebooks/{name}.ipynb"
        if name not in table:
            found.append(f"{path} is not in the assignment table: move it out of the folder")
        for place, cell in places(name, notebook):
            problems = [*_marker_problems(cell), *_metadata_problems(cell)]
            grade_id = nbgrader(cell).get("grade_id")
            if grade_id in place_of:
                problems.append(f"its grade_id is also that of {place_of[grade_id]}")
            elif grade_id:
                place_of[grade_id] = place
            found += [f"{place}: {problem}" for problem in problems]
        found += _unanswerable_checks(name, notebook)
        found += [f"{path}: {line}" for line in _points_problems(notebook, table.get(name, {}))]
        if len(repository_lines(notebook)) != 1:
            found.append(f'{path}: expected one line REPOSITORY = "…", in its setup cell')
    return found


def _marker_problems(cell):
    """Markers that nbgrader would not see or would misread."""
    opened = None
    for line in cell.source.split("\n"):
        words = intended_marker(line, cell)
        if words is None:
            continue
        if line.strip() not in [marker(cell, known) for known in WORDS]:
            yield f"the line {line.strip()!r} is no marker; was {marker(cell, words)!r} meant?"
            continue
        end, kind = words.split(" ", 1)
        if end == "BEGIN" and opened:
            yield f"BEGIN {kind} stands inside of the region {opened}"
        if end == "END" and opened != kind:
            yield f"END {kind} has no BEGIN {kind}"
        opened = kind if end == "BEGIN" else None
    if opened:
        yield f"BEGIN {opened} has no END {opened}"


def _metadata_problems(cell):
    """What nbgrader's metadata of a cell lacks, or does not go with its regions."""
    metadata, parts = nbgrader(cell), regions(cell)
    kinds = {kind for kind, _ in parts if kind}
    if kinds and not metadata:
        yield f"it has a region {' and '.join(sorted(kinds))}, but no nbgrader metadata"
        return
    try:
        MetadataValidator().validate_cell(cell)
    except (ValidationError, SchemaError, SchemaTooOldError, SchemaTooNewError) as error:
        yield f"its nbgrader metadata is not valid: {str(error).splitlines()[0]}"
        return
    answer, graded = metadata.get("solution"), metadata.get("grade")
    for kind, fits, role in [
        (SOLUTION, answer, "an answer"),
        (HIDDEN_TESTS, graded and not answer, "a check"),
        (MARK_SCHEME, metadata.get("task"), "a task"),
    ]:
        if kind in kinds and not fits:
            yield f"it has a region {kind}, but its nbgrader metadata does not make it {role}"
    solution = [line for kind, lines in parts for line in lines if kind == SOLUTION]
    if answer and not any(map(str.strip, solution)):
        yield f"it is an answer, but there is no solution after {marker(cell, 'BEGIN SOLUTION')!r}"
    if kinds and cell.get("attachments"):
        yield "it has a hidden region and attached files, which students would get: remove them"
    if (answer or graded) and not re.match(r"q\d+-", metadata["grade_id"]):
        yield "its grade_id does not begin with its question, as q2-softmax does"


def _unanswerable_checks(name, notebook):
    """Checks of a function that no answer defines: the answer is no exercise any more."""
    answers = "\n".join(cell.source for cell in notebook.cells if nbgrader(cell).get("solution"))
    for place, cell in places(name, notebook):
        if nbgrader(cell).get("grade") and not nbgrader(cell).get("solution"):
            for checked in re.findall(r"checks\.\w+\(\s*([^\W\d]\w*)", cell.source):
                if not re.search(rf"\b{checked}\b", answers):
                    yield f"{place}: it checks {checked}, but no cell marked as an answer has it"


def _points_problems(notebook, expected):
    checked, by_hand = points_by_question(notebook)
    for question in sorted({*expected, *checked, *by_hand}):
        points = checked.get(question, 0) + by_hand.get(question, 0)
        if points != expected.get(question, 0):
            yield (
                f"its cells give {points:g} points for {question}, the assignment table has "
                f"{expected.get(question, 0):g}; did a cell lose its nbgrader metadata?"
            )

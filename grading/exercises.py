"""What makes cells of a notebook into exercises: nbgrader's metadata, and marked regions."""

import difflib
import re
from collections import Counter

SOLUTION, HIDDEN_TESTS, MARK_SCHEME = KINDS = "SOLUTION", "HIDDEN TESTS", "MARK SCHEME"
WORDS = [f"{end} {kind}" for kind in KINDS for end in ("BEGIN", "END")]


def nbgrader(cell):
    """nbgrader's metadata of a cell, empty if it has none."""
    return cell.metadata.get("nbgrader", {})


def places(name, notebook):
    """Pairs of every cell's place, in words that help a person find it, and the cell."""
    for number, cell in enumerate(notebook.cells, start=1):
        known_as = nbgrader(cell).get("grade_id") or cell.get("id")
        yield f"notebooks/{name}.ipynb, cell {number} ({known_as})", cell


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def up_to_the_last_exercise(notebook):
    """The code cells that points may depend on: those after the last answer or check do not."""
    cells = code_cells(notebook)
    last = max((n for n, cell in enumerate(cells) if nbgrader(cell)), default=-1)
    return cells[: last + 1]


def points_by_question(notebook):
    """Points that checks give, and those given by hand: two dictionaries by question, as in Q2."""
    checked, by_hand = Counter(), Counter()
    for cell in notebook.cells:
        metadata = nbgrader(cell)
        if metadata.get("grade") or metadata.get("task"):
            question = str(metadata.get("grade_id")).split("-")[0].upper()
            kind = by_hand if metadata.get("solution") or metadata.get("task") else checked
            kind[question] += metadata.get("points") or 0
    return dict(checked), dict(by_hand)


def marker(cell, words):
    """The line that marks a region in this cell, such as ### BEGIN SOLUTION."""
    return f"### {words}" if cell.cell_type == "code" else f"<!-- {words} -->"


def intended_marker(line, cell):
    """The words of the marker that a line is, or seems to be meant as; None for other lines."""
    line = line.strip()
    contained = [words for words in WORDS if words in line]
    if contained:  # in nbgrader's eyes a marker, whatever else is on the line
        return contained[0]
    if not line.startswith(("#", "<!--") if cell.cell_type == "markdown" else "#"):
        return None
    text = " ".join(re.findall(r"[A-Z]+", line.upper()))
    # Nothing else begins with ### in code; in Markdown it may be a heading.
    sure = cell.cell_type == "code" and line.startswith("###")
    close = difflib.get_close_matches(text, WORDS, n=1, cutoff=0 if sure else 0.85)
    return close[0] if close else None


def regions(cell):
    """The lines of a cell in parts: pairs (kind, lines), the kind None outside of marked regions.

    A region without an end reaches to the next marker or the end of the cell.
    """
    begins = {marker(cell, f"BEGIN {kind}"): kind for kind in KINDS}
    ends = {marker(cell, f"END {kind}") for kind in KINDS}
    parts = [(None, [])]
    for line in cell.source.split("\n"):
        if line.strip() in begins:
            parts.append((begins[line.strip()], []))
        elif line.strip() in ends:
            parts.append((None, []))
        else:
            parts[-1][1].append(line)
    return parts

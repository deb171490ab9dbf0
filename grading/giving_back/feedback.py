"""What goes back to a student: each notebook as it ran, points and reasons beside exercises."""

from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from grading.exercises import nbgrader
from grading.giving_back.pages import escaped, render
from grading.records import Verdict
from grading.tables import number

GREEN, RED, GRAY = "#2e7d32", "#b3261e", "#5f6368"


def write_feedback(
    folder: Path,
    ran: Mapping[str, NotebookNode],
    verdicts: list[Verdict],
    lines: Mapping[str, list],
) -> list[Path]:
    """Write a page for each notebook of one student.

    Parameters
    ----------
    folder : pathlib.Path
    ran : dict
        The notebooks as they ran, by name.
    verdicts : list of Verdict
        With the points that were given by hand.
    lines : dict
        By notebook, what was put right.

    Returns
    -------
    list of pathlib.Path
    """
    by_cell = {verdict.grade_id: verdict for verdict in verdicts}
    paths = []
    for name, notebook in ran.items():
        cells, boxes, mine = [], {}, []
        for cell in notebook.cells:
            verdict = by_cell.get(nbgrader(cell).get("grade_id"))
            cells.append(cell)
            if verdict:
                word = f"verdict-{len(boxes)}-of-this-page"
                boxes[word] = box(verdict)
                cells.append(new_markdown_cell(word))
                mine.append(verdict)
        word = "summary-of-this-page"
        boxes[word] = summary(mine, lines.get(name, []))
        page = NotebookNode(notebook, cells=[new_markdown_cell(word), *cells])
        paths.append(folder / f"{name}.html")
        render(page, paths[-1], name, boxes)
    return paths


def box(verdict: Verdict) -> str:
    """Points and reason for one exercise, as HTML."""
    color = GRAY if verdict.points is None else GREEN if is_full(verdict) else RED
    mistake = f" · {escaped(verdict.mistake)}" if verdict.mistake else ""
    message = f"<pre>{escaped(verdict.message)}</pre>" if verdict.message else ""
    return (
        f'<div style="border-left: 6px solid {color}; margin: 1em 0; padding: .5em 1em; '
        f'background: #f6f6f6"><b>{escaped(verdict.question)}: {points_of(verdict)}</b>'
        f"{mistake}{message}</div>"
    )


def summary(verdicts: list[Verdict], lines: list[str]) -> str:
    """All points of a notebook, and what was put right in it, as HTML."""
    rows = "".join(
        f"<tr><td>{escaped(each.question)}</td><td>{escaped(each.grade_id)}</td>"
        f"<td>{points_of(each)}</td><td>{escaped(each.mistake or '')}</td></tr>"
        for each in verdicts
    )
    remarks = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    put_right = f"<p>This was put right before it ran, and costs no points:</p><ul>{remarks}</ul>"
    return f"<table>{rows}</table>" + (put_right if lines else "")


def points_of(verdict: Verdict) -> str:
    """Such as "1 of 2 points"."""
    if verdict.points is None:
        return f"to be graded by hand, of {number(verdict.max_points)}"
    return f"{number(verdict.points)} of {number(verdict.max_points)}"


def is_full(verdict: Verdict) -> bool:
    """Whether nothing was lost."""
    return verdict.points is not None and verdict.points >= verdict.max_points

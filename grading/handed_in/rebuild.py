"""Putting right: each notebook rebuilt on the released skeleton.

What students do to a notebook in good faith (cells split, copied, deleted, their type or metadata
changed) must not cost them points; what they do to a check must not give them any. So of a
notebook that was handed in only the answers and the cells that were added are taken, and all else
comes from the release. Each irregularity is one plain line.
"""

import ast
import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from grading.exercises import nbgrader
from grading.handed_in.reading import defined, definitions, identities, parsed, read_notebook
from grading.records import Rebuilt, Release

MAGIC = re.compile(r"\A\s*%%(?:time|timeit|capture)\b[^\n]*\n()")
FENCE = re.compile(r"\A\s*```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)


@dataclass
class _Skeleton:
    """The cells of a release, and what of a student's notebook belongs to each."""

    cells: list[NotebookNode]
    by_identity: dict[str, int]
    by_source: dict[str, int]
    by_name: dict[str, int]  # of what an answer is to define
    pieces: dict[int, list[str]] = field(default_factory=dict)
    attachments: dict[int, dict] = field(default_factory=dict)
    added: dict[int, list[NotebookNode]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    odd: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind, place):
        """Keep an irregularity of a cell; those of one kind make one line."""
        places = self.odd.setdefault(kind, [])
        if place not in places:
            places.append(place)


def rebuild_all(notebooks: Mapping[str, bytes], release: Release) -> list[Rebuilt]:
    """The notebooks of a submission, in the order of the release.

    Parameters
    ----------
    notebooks : dict
        Bytes that `reading.read_notebook` can read, by the name of the released notebook.
    release : Release
    """
    rebuilt = []
    for name in release.released:
        if name in notebooks:
            handed_in, notes = read_notebook(notebooks[name])
            rebuilt.append(rebuild(name, handed_in, release, notes))
    return rebuilt


def rebuild(
    name: str, handed_in: NotebookNode, release: Release, notes: list[str] | None = None
) -> Rebuilt:
    """One notebook on the released skeleton.

    A cell of the student is that of the release with the same grade id, else with the same cell id,
    else with the same text; a cell that is none of these and defines what an answer is to define is
    a piece of that answer. All other cells were added, and stay after the cell that they follow.

    Parameters
    ----------
    name : str
        Of the released notebook that it was made from.
    handed_in : NotebookNode
    release : Release
    notes : list of str, optional
        Irregularities that are known already.

    Returns
    -------
    Rebuilt
    """
    skeleton = _skeleton(release.released[name])
    position = -1
    for cell in handed_in.cells:
        position = _take(cell, position, skeleton)
    _take_definitions_from_elsewhere(skeleton)
    cells, answers = [_copy(cell) for cell in skeleton.added.get(-1, [])], {}
    for index, released in enumerate(skeleton.cells):
        cell = _without_outputs(released)
        below = skeleton.added.get(index, [])
        grade_id = nbgrader(cell).get("grade_id")
        if nbgrader(cell).get("solution"):
            if cell.cell_type == "code":
                *earlier, cell.source = _answer(skeleton, index)
                cells += [_copy(new_code_cell(piece)) for piece in earlier]
                answers[grade_id] = "\n".join([*earlier, cell.source])
            else:
                cell.source, below = _written_answer(skeleton, index)
                answers[grade_id] = cell.source
                if index in skeleton.attachments:
                    cell.attachments = skeleton.attachments[index]
        if nbgrader(cell) and index not in skeleton.seen:
            skeleton.note("was missing and has been put back", grade_id)
        cells += [cell, *map(_copy, below)]
    notebook = copy.copy(release.released[name])
    notebook = NotebookNode(notebook, cells=_with_ids(cells))
    lines = [f"{_join(places)} {kind}." for kind, places in skeleton.odd.items()]
    return Rebuilt(name, notebook, answers, (*(notes or ()), *lines), handed_in)


def is_untouched(source: str, released: str) -> bool:
    """Whether an answer is still the stub, or nothing at all."""
    return not source.strip() or source.split() == released.split()


def _skeleton(released):
    skeleton = _Skeleton(released.cells, {}, {}, {})
    for index, cell in enumerate(released.cells):
        for identity in identities(cell):
            skeleton.by_identity.setdefault(identity, index)
        skeleton.by_source.setdefault(cell.source, index)
        if nbgrader(cell).get("solution") and cell.cell_type == "code":
            for name in defined(cell.source):
                skeleton.by_name.setdefault(name, index)
    return skeleton


def _take(cell, position, skeleton):
    """Put a student's cell where it belongs; the result is the last released cell so far."""
    index, doubtful = _find(cell, skeleton)
    if index is None and cell.cell_type == "code":
        for name in definitions(cell.source):
            index = skeleton.by_name.get(name, index)
        if index is not None:
            skeleton.seen[index] = skeleton.seen.get(index, 0) + 1
            _add_piece(cell, index, position, skeleton)
            known_as = nbgrader(skeleton.cells[index])["grade_id"]
            skeleton.note("was recognized by the function it defines", known_as)
            return max(position, index)
    if index is None:
        if cell.source.strip():
            skeleton.added.setdefault(position, []).append(cell)
        return position
    released = skeleton.cells[index]
    role, known_as = nbgrader(released), identities(released)[0]
    again = index in skeleton.seen
    skeleton.seen[index] = skeleton.seen.get(index, 0) + 1
    if role:
        if doubtful:
            skeleton.note("had lost nbgrader's marks and was recognized all the same", known_as)
        if cell.cell_type != released.cell_type:
            skeleton.note("had become a cell of another type", known_as)
        if role.get("solution"):
            if again:
                skeleton.note("was there more than once: its pieces were joined", known_as)
            _add_piece(cell, index, position, skeleton)
        elif again:
            skeleton.note("was there more than once: it counts once", known_as)
        elif cell.source.split() != released.source.split():
            skeleton.note("was changed: it was run as it was handed out", known_as)
    elif cell.source.split() != released.source.split():
        _keep_additions(cell, index, skeleton)
    return max(position, index)


def _find(cell, skeleton):
    """The index of the released cell that a cell is, and whether nbgrader's marks are lost."""
    for identity in identities(cell):
        if identity in skeleton.by_identity:
            index = skeleton.by_identity[identity]
            marked = nbgrader(skeleton.cells[index]).get("grade_id")
            return index, marked and nbgrader(cell).get("grade_id") != marked
    index = skeleton.by_source.get(cell.source) if cell.source.strip() else None
    return index, index is not None and nbgrader(skeleton.cells[index])


def _add_piece(cell, index, position, skeleton):
    """Another piece of an answer, with the code that the student put between it and the last."""
    between = skeleton.added.get(position, []) if position == index else []
    code = [each for each in between if each.cell_type == "code"]
    if code and skeleton.pieces.get(index):
        skeleton.added[position] = [each for each in between if each.cell_type != "code"]
        skeleton.pieces[index] += [each.source for each in code]
    source = cell.source
    if skeleton.cells[index].cell_type == "code":
        source = (MAGIC if cell.cell_type == "code" else FENCE).sub(r"\1", source)
    elif cell.get("attachments"):
        skeleton.attachments.setdefault(index, {}).update(cell.attachments)
    skeleton.pieces.setdefault(index, []).append(source)


def _keep_additions(cell, index, skeleton):
    """Imports and functions that a student wrote into a cell that is no exercise."""
    released = skeleton.cells[index]
    if cell.cell_type != "code" or released.cell_type != "code":
        return
    given = {ast.dump(statement) for statement in parsed(released.source)}
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    own = [
        ast.unparse(statement)
        for statement in parsed(cell.source)
        if isinstance(statement, kinds) and ast.dump(statement) not in given
    ]
    if own:
        skeleton.added.setdefault(index, []).append(new_code_cell("\n".join(own)))
        skeleton.note("is no exercise and was changed: only what was added was kept", released.id)


def _take_definitions_from_elsewhere(skeleton):
    """An answer that stands in the cell of another one, while its own is untouched or missing."""
    for name, index in skeleton.by_name.items():
        if not _written(skeleton, index):
            for other, pieces in list(skeleton.pieces.items()):
                found = [piece for piece in pieces if name in defined(piece)]
                if other != index and found and _written(skeleton, other):
                    skeleton.pieces[index] = found[-1:]
                    own, its = (
                        nbgrader(skeleton.cells[each])["grade_id"] for each in (index, other)
                    )
                    skeleton.note(f"was answered in the cell of {its}", own)
                    break
            else:
                _take_from_added(name, index, skeleton)


def _take_from_added(name, index, skeleton):
    """An answer at top level that stands in an added cell, as `choices = …` may."""
    for cells in skeleton.added.values():
        for cell in cells:
            if cell.cell_type == "code" and name in defined(cell.source):
                skeleton.pieces[index] = [cell.source]
                known_as = nbgrader(skeleton.cells[index])["grade_id"]
                skeleton.note("was answered in a cell that was added", known_as)


def _written(skeleton, index):
    """The pieces of an answer without untouched stubs."""
    stub = skeleton.cells[index].source
    return [piece for piece in skeleton.pieces.get(index, []) if not is_untouched(piece, stub)]


def _answer(skeleton, index):
    """The code of an answer: its pieces in their order.

    Each is a cell of its own if it can be, so that an error in a first attempt does not keep the
    second from being defined; pieces of one function are joined.
    """
    pieces = _written(skeleton, index)
    if not pieces:
        return [skeleton.cells[index].source]
    if all(map(parsed, pieces)):
        return pieces
    joined = "\n".join(pieces)
    readable = [piece for piece in pieces if parsed(piece)]
    expected = {name for name, place in skeleton.by_name.items() if place == index}
    if parsed(joined) or not expected & set().union(*map(defined, readable)):
        return [joined]
    known_as = nbgrader(skeleton.cells[index])["grade_id"]
    skeleton.note("had a piece that is no Python, which was left out", known_as)
    return readable


def _written_answer(skeleton, index):
    """The text of an answer with what stands in added cells below it, and what is left of these.

    Under an untouched stub that is the answer itself; if there is nothing below, what was added
    just above it.
    """
    known_as = nbgrader(skeleton.cells[index])["grade_id"]
    pieces = _written(skeleton, index)
    below = skeleton.added.get(index, [])
    texts = [cell for cell in below if cell.cell_type != "code"] or (below if not pieces else [])
    above = [] if pieces or texts else skeleton.added.get(index - 1, [])
    texts = texts or [cell for cell in above if cell.cell_type != "code"]
    if texts:
        skeleton.note("was answered, or went on, in cells that were added", known_as)
    for cell in texts:
        if cell.get("attachments"):
            skeleton.attachments.setdefault(index, {}).update(cell.attachments)
        pieces.append(f"```python\n{cell.source}\n```" if cell.cell_type == "code" else cell.source)
    rest = [cell for cell in below if cell.cell_type == "code" or cell not in texts]
    return "\n\n".join(pieces) or skeleton.cells[index].source, rest


def _copy(cell):
    """A cell that the student added, with nothing of its metadata."""
    added = {"metadata": {"added": True}}
    if cell.cell_type == "code":
        return new_code_cell(cell.source, **added)
    attachments = {"attachments": cell.attachments} if cell.get("attachments") else {}
    return new_markdown_cell(cell.source, **added, **attachments)


def _without_outputs(released):
    cell = copy.deepcopy(released)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _with_ids(cells):
    """Added cells get ids that are the same each time."""
    added = [cell for cell in cells if cell.metadata.get("added")]
    for number, cell in enumerate(added, start=1):
        cell.id = f"added-{number}"
    return cells


def _join(places):
    return places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"

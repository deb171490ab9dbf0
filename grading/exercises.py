"""What makes cells of a notebook into exercises: nbgrader's metadata, and marked regions."""

import ast
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


ALWAYS = {"setup", "imports"}  # the cells that all others stand on
# The cells that say how accurate, and how fast, a student's own code is. They run where an output
# of them was handed in, to be compared with it.
CLAIMS = {
    "01_data_preparation": {"cell-31"},
    "02_hand_coded_sgd": {"cell-27", "cell-34"},
    "03_batch_size_study": {"my-table"},
    "04_tensorflow_comparison": {"last-values"},
}
# What uses names that are not to be seen in a text.
LOOKUPS = {"eval", "exec", "globals", "locals", "vars", "get_ipython", "__import__"}


def needed_code(notebook, claimed=frozenset()):
    """What of a notebook points or claims depend on: source by number, among all code cells.

    That is every answer, check, and cell that a student added, and of all others the statements
    that bind a name which one of these uses. What a notebook shows beside them, figures and studies
    that are the same for everybody, is not run for everybody. `claimed` are ids of further cells.
    """
    needed, wanted, all_before = {}, set(), False
    for number, cell in reversed([*enumerate(code_cells(notebook))]):
        own = bool(nbgrader(cell) or cell.metadata.get("added"))
        try:
            statements = ast.parse(cell.source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # a magic, for example
            statements, all_before = [], all_before or own
        whole = own or all_before or cell.get("id") in ALWAYS | claimed
        kept = []
        for statement in reversed(statements):
            bound, read = _names(statement)
            if whole or bound & wanted:
                kept.insert(0, statement)
                # A branch may bind a name, or not.
                wanted = (wanted - bound if isinstance(statement, BINDS) else wanted) | read
                all_before |= own and bool(read & LOOKUPS)
        if whole or len(kept) == len(statements):
            needed[number] = cell.source
        elif kept:
            needed[number] = "\n".join(ast.get_source_segment(cell.source, each) for each in kept)
    return needed


BINDS = ast.Assign | ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
# Methods that change what they belong to; `assign` is that of a variable of TensorFlow.
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "assign"}
SCOPES = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
)  # fmt: skip


def _names(node):
    """Names that code binds or changes, and names that it reads."""
    bound, read = set(), set()
    for child in ast.iter_child_nodes(node):
        bound_there, read_there = _names(child)
        bound |= bound_there
        read |= read_there
    if isinstance(node, SCOPES):  # what is bound inside is not seen outside
        bound, read = set(), read - bound
    match node:
        case ast.Name(name, ast.Load()):
            read.add(name)
        case ast.Name(name) | ast.arg(name):
            bound.add(name)
        case ast.AugAssign(ast.Name(name)):
            read.add(name)
        case ast.Call(ast.Attribute(ast.Name(name), method)) if method in CHANGES:
            bound.add(name)
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
            bound |= read
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            bound.add(name)
        case ast.alias(name, other):
            bound.add(other or name.split(".")[0])
    return bound, read


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

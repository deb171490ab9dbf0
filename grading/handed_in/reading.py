"""From the bytes of a file to a notebook, where that is honest; a plain reason where it is not."""

import ast
import json
import re
import warnings

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4.rwbase import rejoin_lines

from grading.exercises import nbgrader

STARTS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PK\x03\x04": "a zip archive"}


class Unreadable(Exception):
    """These bytes are no notebook; the message says why, and what the student can do."""


def read_notebook(data):
    """The notebook in the bytes of a file.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    notebook : nbformat.NotebookNode
        In the present format; cells that are none are left out.
    notes : list of str
        What was put right.

    Raises
    ------
    Unreadable
    """
    text, notes = _text(data), []
    try:
        content = json.loads(text)
    except RecursionError:
        raise Unreadable("brackets are nested too deeply for a notebook") from None
    except ValueError as error:
        raise Unreadable(_why_no_json(text, error)) from None
    if not isinstance(content, dict):
        raise Unreadable(f"it holds a {type(content).__name__}, not a notebook")
    major, minor = content.get("nbformat"), content.get("nbformat_minor", 0)
    if not isinstance(major, int) or not 1 <= major <= 4:
        raise Unreadable(f"it is in the notebook format {major!r}; versions 1 to 4 can be read")
    if (major, minor) < (4, 5):
        notes.append(f"It was saved in the older notebook format {major}.{minor}.")
    if major == 4:
        content["cells"] = _cells(content.get("cells"))
    try:
        notebook = rejoin_lines(nbformat.convert(nbformat.from_dict(content), 4))
        notebook.cells = [_clean(cell) for cell in notebook.cells]
    except Exception as error:  # nbformat lets through what its own code fails on
        raise Unreadable(f"it is a damaged notebook: {type(error).__name__}: {error}") from None
    return notebook, notes


def identities(cell):
    """The ids that a cell may be known by: nbgrader's first, then its own, then Colab's."""
    known = [nbgrader(cell).get("grade_id"), cell.get("id"), cell.metadata.get("id")]
    return [each for each in known if isinstance(each, str) and each]


def definitions(source: str) -> set[str]:
    """Names of the functions and classes that a cell defines at its top level."""
    return {
        statement.name
        for statement in parsed(source)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def defined(source: str) -> set[str]:
    """What a cell defines at its top level, by `def`, `class` or `=`."""
    names = definitions(source)
    for statement in parsed(source):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def parsed(source: str) -> list[ast.stmt]:
    """The statements of a cell, with IPython's magics; none if it cannot be run as Python."""
    for transform in str, TransformerManager().transform_cell:  # most cells have no magics
        try:
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(transform(source))
                # Half of a function may parse all the same, as a return without a def.
                compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return tree.body
    return []


def _text(data):
    for start, kind in STARTS.items():
        if data.startswith(start):
            raise Unreadable(f"it is {kind}, not JSON in UTF-8: save it again from Jupyter")
    if not data.strip():
        raise Unreadable("it is empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not encoded in UTF-8 (byte {error.start})") from None


def _why_no_json(text, error):
    markers = re.search(r"^(<{7}|>{7}|={7})", text, re.MULTILINE)
    if markers:
        line = text.count("\n", 0, markers.start()) + 1
        return f"it has the markers of a merge conflict (line {line}): resolve it and save again"
    if "Unterminated" in str(error) or getattr(error, "pos", 0) >= len(text.rstrip()) - 1:
        return "it is cut short: its end is missing"
    return f"it is no JSON: {error}"


def _cells(cells):
    """Cells of format 4 with the fields that each must have; what is no cell is left out."""
    if not isinstance(cells, list):
        raise Unreadable("it has no list of cells")
    kept = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown", "raw"):
            source = cell.get("source", "")
            source = "".join(map(str, source)) if isinstance(source, list) else str(source)
            metadata = cell.get("metadata")
            cell |= {"source": source, "metadata": metadata if isinstance(metadata, dict) else {}}
            if cell["cell_type"] == "code":
                outputs = cell.get("outputs")
                outputs = outputs if isinstance(outputs, list) else []
                cell["outputs"] = [each for each in outputs if _is_output(each)]
                cell["execution_count"] = None
            kept.append(cell)
    return kept


def _is_output(output):
    kinds = ("stream", "display_data", "execute_result", "error")
    return isinstance(output, dict) and output.get("output_type") in kinds


def _clean(cell):
    """Without halves of characters, which no file can hold, and with metadata that is a mapping."""
    cell.source = cell.source.encode("utf-8", "replace").decode()
    if not isinstance(cell.metadata.get("nbgrader", {}), dict):
        del cell.metadata["nbgrader"]
    return cell

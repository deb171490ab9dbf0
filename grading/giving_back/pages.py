"""Notebooks as HTML pages: nothing in them runs, loads a file of the grader, or has no bound."""

import copy
import html
import re
from functools import cache
from pathlib import Path

import nh3
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_output

from grading.tables import write_text

MOST_BYTES = 2_000_000  # of a page
# Of one page: bytes of outputs, characters of one output or cell, cells. Tried in this order.
LIMITS = [(1_400_000, 20_000, 2_000), (0, 20_000, 2_000), (0, 300, 500)]
SHOWN = ("image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain")


def render(notebook: NotebookNode, path: Path, title: str, boxes: dict[str, str] | None = None):
    """Write a notebook as an HTML page of less than 2 MB.

    Parameters
    ----------
    notebook : NotebookNode
        It is not changed.
    path : pathlib.Path
    title : str
    boxes : dict, optional
        HTML that stands in place of each of these words in Markdown cells.
    """
    for limits in LIMITS:
        bounded = _bounded(notebook, *limits)
        page, _ = _exporter().from_notebook_node(bounded, {"metadata": {"name": title}})
        for word, box in (boxes or {}).items():
            page = page.replace(f"<p>{word}</p>", box, 1)
        if len(page.encode("utf-8", "replace")) < MOST_BYTES:
            break
    write_text(path, page)


def escaped(text: str) -> str:
    """A text as part of an HTML page."""
    return html.escape(str(text))


@cache
def _exporter():
    # Nothing of a student's HTML may run. nbconvert's own filter for that also takes paragraphs,
    # headings and pictures away.
    exporter = HTMLExporter(sanitize_html=True, embed_images=False, filters={"clean_html": cleaned})
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    return exporter


def cleaned(text: str | bytes) -> str:
    """HTML without what runs, or loads pictures from elsewhere, which would tell who reads it."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    attributes = {"*": {"class", "id", "align"}, "img": {"src", "alt", "width", "height"}}
    return nh3.clean(
        text,
        tags=nh3.ALLOWED_TAGS - {"map", "area"},
        attributes={**nh3.ALLOWED_ATTRIBUTES, **attributes},
        attribute_filter=_own_pictures,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


def _own_pictures(tag, attribute, value):
    is_data = value.startswith(("data:image/png;", "data:image/jpeg;"))
    if tag == "img" and attribute == "src":
        return value if is_data else None
    return None if value.strip().lower().startswith("data:") else value


def _bounded(notebook, budget, most_text, most_cells):
    """A copy with the sources and outputs that a page has room for."""
    small = copy.copy(notebook)
    small.metadata = NotebookNode()  # widgets without a state stop nbconvert
    small.cells = []
    for cell in notebook.cells[:most_cells]:
        cell = copy.copy(cell)
        cell.source = _cut(cell.source, most_text)
        if cell.cell_type == "code":
            outputs, left_out = [], 0
            for output in cell.outputs:
                output = _shown(output, most_text)
                size = _size(output)
                if not output.get("data", True):
                    continue  # nothing that a page can show
                if size <= budget:
                    budget -= size
                    outputs.append(output)
                else:
                    left_out += size
            if left_out:
                text = f"({max(left_out / 1e6, 0.01):.2g} MB of outputs are left out)\n"
                outputs.append(new_output("stream", name="stdout", text=text))
            cell.outputs = outputs
        small.cells.append(cell)
    return small


def _shown(output, most_text):
    """An output with texts of bounded length, and of its representations the one to be shown."""
    output = copy.deepcopy(output)
    if output.output_type == "stream":
        output.text = _cut(output.text, most_text)
    elif output.output_type == "error":
        output.traceback = [_cut("\n".join(output.traceback), most_text)]
    else:
        kind = next((kind for kind in SHOWN if kind in output.data), None)
        output.data = NotebookNode({kind: output.data[kind]} if kind else {})
        if kind in ("text/plain", "text/markdown", "text/latex"):
            output.data[kind] = _cut(output.data[kind], most_text)
    return output


def _size(output):
    return len(str(output.get("data") or output.get("text") or output.get("traceback")))


def _cut(text, most):
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]", "", "".join(text))
    if len(text) <= most:
        return text
    return text[:most] + f"\n… ({len(text) - most} more characters are left out)"

"""The committed notebooks: executed, of the current source, and nobody's in particular."""

import os
import re
from pathlib import Path

import nbformat
import pytest

from grading.edition.course import POINTS
from tools.fingerprint import changed, fingerprint
from tools.notebooks import (
    FIGURE,
    ROOT,
    normalize,
    notebook_paths,
    readme_parts,
    table_of_readme,
)
from tools.tolerance import tolerances

NAMES = list(POINTS)
MACHINE_PATH = re.compile(
    r"/home/\w|/root/|/Users/\w|/tmp/|/var/folders/|\b[A-Za-z]:\\+Users\b|site-packages"
)
# Accounts of machines, not of persons; words that a notebook may well contain.
SHARED_ACCOUNTS = {"root", "runner", "user", "student", "jovyan", "vscode", "codespace", "ubuntu"}
REMAKE = "run `make outputs` and commit the notebooks"

each_notebook = pytest.mark.parametrize("name", NAMES)


def read(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(value, kind=""):
    """All strings inside of nested lists and dictionaries, but for pictures."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from texts(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str) and not kind.startswith("image/"):
        yield value


def test_there_are_the_notebooks_of_the_assignment_and_no_other():
    assert [path.stem for path in notebook_paths(ROOT)] == NAMES


@each_notebook
def test_every_code_cell_was_executed_in_order(name):
    counts = [cell.execution_count for cell in code_cells(read(name))]
    assert counts == list(range(1, len(counts) + 1)), REMAKE


@each_notebook
def test_outputs_belong_to_the_current_source(name):
    notebook = read(name)
    other = changed(notebook.metadata.get("fingerprint", {}), fingerprint(notebook, ROOT))
    assert not other, f"outputs are of other {' and '.join(other)}: {REMAKE}"


@each_notebook
def test_it_is_as_make_outputs_leaves_it(name):
    notebook, normal = read(name), read(name)
    normalize(normal)
    as_it_should_be = notebook == normal  # pytest would take long to show how two notebooks differ
    assert as_it_should_be, f"timing, widgets or a machine's metadata are stored: {REMAKE}"


@each_notebook
def test_no_widgets(name):
    notebook = read(name)
    kinds = [kind for output in outputs(notebook) for kind in output.get("data", {})]
    assert "widgets" not in notebook.metadata
    assert not [kind for kind in kinds if "widget" in kind]


@each_notebook
def test_no_path_of_a_machine(name):
    found = [text for text in texts(read(name)) if MACHINE_PATH.search(text)]
    assert not found


@each_notebook
def test_no_name_of_a_user(name):
    notebook = read(name)
    home = Path(os.path.expanduser("~")).name
    users = {home, os.environ.get("USER"), os.environ.get("USERNAME")} - SHARED_ACCOUNTS
    stored = texts([notebook.metadata, outputs(notebook)])
    words = {word for text in stored for word in re.findall(r"[\w.-]+", text)}
    assert not users & words


@each_notebook
def test_nothing_was_written_to_stderr(name):
    assert not [output.text for output in outputs(read(name)) if output.get("name") == "stderr"]


@each_notebook
def test_no_output_is_ignored_without_a_reason(name):
    for cell in code_cells(read(name)):
        ignored = {"nbval-ignore-output", "nbval-skip"} & {*cell.metadata.get("tags", [])}
        assert not ignored or cell.metadata.get("reason"), cell.source
        # Comments do the same to nbval, but mean nothing to the other tools.
        assert not re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source), "use a tag instead"


@each_notebook
def test_every_tolerance_can_be_read(name):
    for cell in code_cells(read(name)):
        tolerances(cell.metadata.get("tags", []))


@each_notebook
def test_every_stored_claim_holds(name):
    tables = [output.get("data", {}).get("text/markdown", "") for output in outputs(read(name))]
    verdicts = re.findall(r"\| (yes|NO) +\|$", "\n".join(tables), re.MULTILINE)
    assert "NO" not in verdicts
    assert verdicts or name.startswith("01"), "a notebook without a table of claims"


def test_readme_shows_the_tables_of_the_notebooks():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tables, _ = readme_parts(ROOT)
    assert "results" in tables, "no cell is tagged readme-table and table-results"
    marks = {*re.findall(r"<!-- table: (.*?) -->", readme)} - {"benchmark"}  # of make bench
    assert {name: table_of_readme(readme, name) for name in marks} == tables, REMAKE


def test_readme_shows_the_figure_of_the_notebook():
    _, figures = readme_parts(ROOT)
    assert str(FIGURE.as_posix()) in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(figures) == 1, "exactly one cell must be tagged readme-figure and show one figure"
    assert (ROOT / FIGURE).read_bytes() == figures[0], REMAKE

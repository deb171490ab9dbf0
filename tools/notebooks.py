"""Execution of the notebooks: `python -m tools.notebooks run` and `… outputs`.

`run` executes them in order and writes an HTML page for each into `build/`. `outputs` stores their
outputs in the notebooks, so that the same source gives the same file on every machine, and puts the
tables and the figure that the README shows in their place.
"""

import argparse
import base64
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import ChainMap
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from tools.fingerprint import fingerprint
from tools.pages import html_page

ROOT = Path(__file__).resolve().parent.parent
FIGURE = Path("docs", "batch_size_study.png")
# As the kernel itself has it, so that opening a notebook changes nothing but the version of Python,
# which is left out: outputs are the same for all of them.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
TIMING = ("execution", "ExecuteTime")
# Of a shell's environment: they would change what a notebook shows or writes.
NOT_INHERITED = ("MPLBACKEND", "RESULTS_DIR", "STUDY_CACHE")


def main(arguments=None, root=ROOT):
    """Run the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("command", choices=["run", "outputs"])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all in notebooks/ if not given")
    options = parser.parse_args(arguments)
    paths = options.notebooks or notebook_paths(root)
    if not paths:
        print(f"There is no notebook in {root / 'notebooks'}.", file=sys.stderr)
        return 1
    try:
        return {"run": run, "outputs": make_outputs}[options.command](paths, root)
    except KeyboardInterrupt:
        # The cell's task has nobody left to report to, and would say so in a traceback.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        print("\nInterrupted.", file=sys.stderr)
        return 130


def notebook_paths(root=ROOT):
    """The notebooks in their order."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def run(paths, root=ROOT):
    """Execute notebooks up to the first cell that fails, with an HTML page for each in `build/`."""
    build = root / "build"
    build.mkdir(exist_ok=True)
    written, failure = [], None
    before = {path: path.stat().st_mtime_ns for path in build.rglob("*.csv")}
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        start = time.monotonic()
        failure = execute(notebook, path, {"RESULTS_DIR": str(build.resolve())})
        page = build / f"{path.stem}.html"
        normalize(notebook)
        page.write_text(html_page(notebook, path.stem), encoding="utf-8")
        written.append((page, time.monotonic() - start))
        if failure:
            break
    print("\nWritten:")
    for page, seconds in written:
        print(f"  {page}  ({seconds:.0f} s)")
    for table in sorted(build.rglob("*.csv")):
        if table.stat().st_mtime_ns != before.get(table):
            print(f"  {table}")
    if failure:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if failure else 0


def make_outputs(paths, root=ROOT):
    """Execute notebooks in place, up to the first that fails, which is left as it was."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        source = fingerprint(notebook, root)  # now, since somebody may edit while cells run
        # No run of an earlier study may stand in for one of this: it starts with an empty cache.
        with tempfile.TemporaryDirectory() as cache:
            failure = execute(notebook, path, {"STUDY_CACHE": cache})
        if failure:
            print(f"\n{failure}\n\n{path} was left as it was.", file=sys.stderr)
            return 1
        normalize(notebook)
        notebook.metadata["fingerprint"] = source
        _write(path, nbformat.writes(notebook).rstrip("\n") + "\n")
    for line in update_readme(root):
        print(line)
    return 0


def execute(notebook, path, environment=None):
    """Execute all cells of a notebook, which is changed, in a fresh kernel in the folder of `path`.

    Returns
    -------
    str or None
        What went wrong in which cell; None if all went well.
    """
    for cell in _code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if _is_code(cell)]
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    kernel = client.setup_kernel(env=_environment(environment or {}), stderr=subprocess.DEVNULL)
    with tqdm(total=len(cells), bar_format="{desc} |{bar:24}| {elapsed}") as bar, kernel:
        # Cell by cell, since nbclient's own loop ends in an error of its own at Ctrl-C.
        for number, (index, cell) in enumerate(cells, start=1):
            position = f"cell {number} of {len(cells)}"
            bar.set_description_str(f"{path.stem}: {position}")
            try:
                client.execute_cell(cell, index, execution_count=number)
            except CellExecutionError:
                error = [output for output in cell.outputs if "traceback" in output][-1]
                reason = _plain("\n".join(error.traceback))
            except DeadKernelError:
                reason = "The kernel ended: it crashed, or memory ran out."
            else:
                bar.update()
                continue
            source = "\n".join(f"    {line}" for line in cell.source.splitlines())
            return f"{path}, {position}, failed:\n\n{source}\n\n{reason}"
    return None


def normalize(notebook):
    """Drop from an executed notebook what differs between two executions or two machines."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict(METADATA))
    for cell in notebook.cells:
        for key in TIMING:
            cell.metadata.pop(key, None)
    for cell in _code_cells(notebook):
        for output in cell.outputs:
            for kind in [kind for kind in output.get("data", {}) if "jupyter.widget" in kind]:
                del output.data[kind]
        cell.outputs = [output for output in cell.outputs if output.get("data", True)]


def update_readme(root=ROOT):
    """Put the tables and the figure stored in the notebooks where the README shows them.

    Returns
    -------
    list of str
        What was done, and what could not be done.
    """
    tables, figures = readme_parts(root)
    report = []
    if len(figures) == 1:
        (root / FIGURE).parent.mkdir(exist_ok=True)
        (root / FIGURE).write_bytes(figures[0])
        report.append(f"{FIGURE} was written.")
    else:
        report.append(f"{FIGURE} was not written: {len(figures)} cells are tagged readme-figure.")
    readme = root / "README.md"
    if not readme.exists():
        return [*report, "There is no README.md to put tables into."]
    if not tables:
        report.append("README.md got no table: no cell is tagged readme-table.")
    text = readme.read_text(encoding="utf-8")
    for name, table in tables.items():
        if table_of_readme(text, name) is None:
            report.append(f"README.md has no place for a table: <!-- table: {name} -->.")
        else:
            text = with_table(text, name, table)
            report.append(f"README.md got the table {name}.")
    _write(readme, text)
    return report


def readme_parts(root=ROOT):
    """Tables (Markdown by name) and figures (PNG bytes) of the cells tagged for the README.

    A table's cell has the tags `readme-table` and `table-NAME`, the figure's `readme-figure`.
    """
    tables, figures = {}, []
    for path in notebook_paths(root):
        for cell in _code_cells(nbformat.read(path, as_version=4)):
            tags = cell.metadata.get("tags", [])
            data = ChainMap(*(output.get("data", {}) for output in cell.outputs))
            if "readme-figure" in tags and "image/png" in data:
                figures.append(base64.b64decode(data["image/png"]))
            if "readme-table" in tags and "text/markdown" in data:
                names = [tag.removeprefix("table-") for tag in tags if tag.startswith("table-")]
                tables[names[0] if names else None] = data["text/markdown"].strip()
    return tables, figures


def table_of_readme(text, name):
    """The table between its two marks in the text of the README, None without such marks."""
    found = _place_of_table(name).search(text)
    return found and found["table"].strip()


def with_table(text, name, table):
    """The text of the README with another table between the two marks."""
    start, end = _place_of_table(name).search(text).span("table")
    return f"{text[:start]}\n{table}\n\n{text[end:]}"


def _place_of_table(name):
    mark = re.escape(f"<!-- table: {name} -->")
    return re.compile(rf"{mark}\n(?P<table>.*?)<!-- end of table -->", re.DOTALL)


def _code_cells(notebook):
    return [cell for cell in notebook.cells if _is_code(cell)]


def _is_code(cell):
    return cell.cell_type == "code"


def _environment(additions):
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    # As under nbval, where pytest sets it: ipykernel then leaves alone what libraries in C print,
    # which would otherwise be stored here and missing there.
    return {**inherited, "PYTEST_CURRENT_TEST": "tools.notebooks", **additions}


def _plain(text):
    """Text without the escape sequences that color it in a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _write(path, text):
    """Replace a file in one step, so that it is never half written."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())

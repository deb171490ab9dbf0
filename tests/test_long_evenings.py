"""A long evening: cells run twice and out of order, restarts, interrupts; the results stay."""

import copy
import os
import re
import shutil
from contextlib import contextmanager

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.plugin import get_sanitize_patterns

from helpers.data import fetch_mnist
from tools.notebooks import ROOT, notebook_paths
from tools.tolerance import settle, tolerances

pytestmark = pytest.mark.thorough
NAMES = [path.stem for path in notebook_paths(ROOT)]
MEASURED = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text("utf-8"))
# Press ■ in the middle of a study: when two more of its runs are finished.
STOP = """
import os, signal, threading, time
from pathlib import Path

def stop():
    kept = lambda: len([*Path(os.environ["STUDY_CACHE"]).glob("*.pkl")])
    enough = kept() + 2
    while kept() < enough:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop, daemon=True).start()
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A checkout of its own, so that one sees what is written there."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("helpers", "grading", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Runs of the studies, kept over restarts, as they are on a student's machine."""
    return tmp_path_factory.mktemp("cache")


@contextmanager
def kernel(course, cache, name):
    """The code cells of a notebook, and a function that runs one of them in a fresh kernel."""
    path = course / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=1200, coalesce_streams=True, resources={"metadata": {"path": path.parent}}
    )
    places = {"STUDY_CACHE": str(cache), "MNIST_DIR": str(fetch_mnist() / "MNIST" / "raw")}
    quiet = {"PYTEST_CURRENT_TEST": "evening", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(cell):
        # Each time as a cell of its own: nbclient does not expect one to be run again.
        again = copy.deepcopy(cell)
        notebook.cells.append(again)
        client.execute_cell(again, len(notebook.cells) - 1)
        return [shown for output in again.outputs for shown in comparable(output).items()]

    with client.setup_kernel(env=os.environ | places | quiet):
        yield [cell for cell in notebook.cells if cell.cell_type == "code"], run


def comparable(output):
    """What an output shows, by kind, without measured times and the space that they take."""
    texts = output.get("data", {}) | {"text": output.get("text", "")}
    for pattern, replacement in MEASURED:
        texts = {kind: re.sub(pattern, replacement, text) for kind, text in texts.items()}
    return {kind: " ".join(text.split()) for kind, text in texts.items()}


def settled(shown, expected, tags):
    """Texts, with numbers as expected where they are within the tolerance of the tags."""
    limits = tolerances(tags) or {"rtol": 0, "atol": 0}
    if "nbval-ignore-output" in tags:
        return []
    if [kind for kind, _ in shown] != [kind for kind, _ in expected]:
        return shown
    return [
        (kind, settle(text, other, **limits))
        for (kind, text), (_, other) in zip(shown, expected, strict=True)
        if not kind.startswith("image")
    ]


def files_of(*folders):
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path: path.read_bytes() for path in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_that_is_run_again_shows_the_same(course, cache, name):
    """Twice in a row, and once more from the last one up to the first."""
    others = []
    with kernel(course, cache, name) as (cells, run):
        first = {}
        for cell in cells:
            first[cell.id] = run(cell)
            others += [f"{cell.id}, twice"] * (run(cell) != first[cell.id])
        for cell in reversed(cells):
            others += [f"{cell.id}, out of order"] * (run(cell) != first[cell.id])
    assert not others, "; ".join(others)


# The last three take minutes.
@pytest.mark.parametrize(("name", "times"), list(zip(NAMES, [10, 10, 3, 3, 3], strict=True)))
def test_executions_leave_the_same_files_and_outputs(course, cache, name, times):
    others, first, files = [], {}, {}
    for number in range(times):
        with kernel(course, cache, name) as (cells, run):
            for cell in cells:
                shown = run(cell)
                expected = first.setdefault(cell.id, shown)
                tags = cell.metadata.get("tags", [])
                if settled(shown, expected, tags) != settled(expected, expected, tags):
                    others.append(f"{cell.id}, time {number}")
        files = files or files_of(course, cache)
        assert files_of(course, cache) == files
    assert not others, "; ".join(others)


def test_a_study_that_is_stopped_goes_on_after_a_restart(course, tmp_path):
    name = "03_batch_size_study"
    with kernel(course, tmp_path, name) as (cells, run):
        for cell in cells:
            if cell.id == "runs":
                run(nbformat.v4.new_code_cell(STOP))
                with pytest.raises(CellExecutionError, match="They are kept: run this again"):
                    run(cell)
                break
            run(cell)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pkl")}
    with kernel(course, tmp_path, name) as (cells, run):
        shown = {cell.id: run(cell) for cell in cells}
    assert kept and kept == {path: path.stat().st_mtime_ns for path in kept}
    stored = {cell.id: cell for cell in cells}["results"]
    expected = [shown for output in stored.outputs for shown in comparable(output).items()]
    tags = stored.metadata.tags
    assert settled(shown["results"], expected, tags) == settled(expected, expected, tags)

"""A long evening: cells run twice and out of order, restarts, interrupts; the results stay."""

import copy
import os
import re
import shutil
import subprocess
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

# A NameError with lines of the cell around it, and of a function of the notebook that it calls.
MOST_LINES = 25


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A checkout of its own, so that one sees what is written there."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("helpers", "grading", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    for name in (".gitignore", "data/.gitignore"):
        shutil.copy(ROOT / name, folder / name)
    for command in ("init -q", "add .", "-c user.name=x -c user.email=x commit -q -m x"):
        git(folder, *command.split())
    return folder


def git(folder, *command):
    return subprocess.check_output(["git", "-C", folder, *command], text=True)


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
        try:
            client.execute_cell(again, len(notebook.cells) - 1)
        except CellExecutionError as error:
            # As the notebook shows it: nbclient puts the source of the cell before it.
            error.traceback = "\n".join(again.outputs[-1].traceback)
            raise
        return [shown for output in again.outputs for shown in comparable(output).items()]

    with client.setup_kernel(env=os.environ | places | quiet):
        yield [cell for cell in notebook.cells if cell.cell_type == "code"], run


def comparable(output):
    """What an output shows, by kind, without measured times and the space that they take."""
    texts = output.get("data", {}) | {"text": output.get("text", "")}
    return {
        kind: text if kind.startswith("image/png") else without_times(text)
        for kind, text in texts.items()
    }


def without_times(text):
    for pattern, replacement in MEASURED:
        text = re.sub(pattern, replacement, text)
    return " ".join(text.split())


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
        assert git(course, "status", "--porcelain") == ""  # what is new is declared a cache
    assert not others, "; ".join(others)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_restart_a_cell_works_or_says_what_is_missing(course, cache, name):
    """Each cell below the imports in a fresh kernel, then all of them."""
    with kernel(course, cache, name) as (cells, run):
        for cell in cells[2:]:
            try:
                run(cell)
            except CellExecutionError as error:
                assert error.ename == "NameError", (cell.id, error.traceback)
                assert len(error.traceback.splitlines()) <= MOST_LINES, (cell.id, error.traceback)
                assert "helpers" not in error.traceback, (cell.id, error.traceback)
        for cell in cells:
            run(cell)


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
def test_a_study_that_is_stopped_goes_on(course, cache, tmp_path, restarted):
    """It keeps what was finished, and ends in what it gives without a stop."""
    name = "03_batch_size_study"
    with kernel(course, cache, name) as (cells, run):
        uninterrupted = {cell.id: run(cell) for cell in cells}
    with kernel(course, tmp_path, name) as (cells, run):
        stopped = [cell.id for cell in cells].index("runs")
        for cell in cells[:stopped]:
            run(cell)
        before = {*tmp_path.glob("*.pkl")}
        run(nbformat.v4.new_code_cell(STOP))
        with pytest.raises(CellExecutionError, match="They are kept: run this again") as error:
            run(cells[stopped])
        assert len(error.value.traceback.splitlines()) == 1
        kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pkl")}
        assert len(kept) >= len(before) + 2
        if not restarted:
            shown = {cell.id: run(cell) for cell in cells[stopped:]}
    if restarted:
        with kernel(course, tmp_path, name) as (cells, run):
            shown = {cell.id: run(cell) for cell in cells}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len([*tmp_path.glob("*.pkl")]) > len(kept)  # it was in the middle
    for cell in cells[stopped:]:
        tags = cell.metadata.get("tags", [])
        expected = settled(uninterrupted[cell.id], uninterrupted[cell.id], tags)
        assert settled(shown[cell.id], uninterrupted[cell.id], tags) == expected, cell.id

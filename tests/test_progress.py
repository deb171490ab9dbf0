"""A progress bar is there while it lasts, and a notebook that is saved shows nothing of it."""

import threading
import time

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from helpers.support.progress import progress_bar, somebody_watches

SETUP = "from helpers.support.progress import progress_bar, somebody_watches"
CELL = """
print("before")
with progress_bar(3, "Runs", "run", delay=0, mininterval=0) as bar:
    for _ in range(3):
        bar.update()
print(f"after, watched: {somebody_watches()}")
"""
INTERRUPTED = """
with progress_bar(3, "Runs", "run", delay=0, mininterval=0) as bar:
    bar.update()
    raise KeyboardInterrupt
"""


@pytest.fixture
def executed(request):
    """A notebook with a bar, executed with or without a person at its front end; what it showed."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, CELL, INTERRUPTED)]
    )
    shown = []

    class Client(NotebookClient):
        def process_message(self, message, cell, index):
            if "data" in message["content"]:
                shown.append(message["content"]["data"])
            return super().process_message(message, cell, index)

    client = Client(notebook, allow_errors=True)
    with client.setup_kernel():
        client.kc.allow_stdin = request.param
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    return notebook, shown


def text_of(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # nbconvert, of an empty output
@pytest.mark.parametrize("executed", [True], indirect=True)
def test_a_bar_in_a_notebook_is_seen_and_leaves_nothing_behind(executed):
    notebook, shown = executed
    bars = [data["text/plain"] for data in shown if data]
    assert any("Runs" in bar and "3/3" in bar for bar in bars)
    assert text_of(notebook.cells[1]) == "before\nafter, watched: True\n"
    for cell in notebook.cells:
        assert not any(output.get("name") == "stderr" for output in cell.outputs)
        assert not any(output.get("data") for output in cell.outputs)
    assert notebook.cells[2].outputs[-1].ename == "KeyboardInterrupt"
    nbformat.validate(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert "after, watched" in page and "3/3" not in page


@pytest.mark.slow
@pytest.mark.parametrize("executed", [False], indirect=True)
def test_a_notebook_that_runs_unattended_has_no_bar(executed):
    notebook, shown = executed
    assert not shown
    assert [output.output_type for output in notebook.cells[1].outputs] == ["stream"]
    assert text_of(notebook.cells[1]) == "before\nafter, watched: False\n"


def test_a_bar_in_a_terminal_goes_to_stderr_and_is_wiped_out(capsys):
    with progress_bar(3, "Runs", "run", delay=0, mininterval=0) as bar:
        bar.update(3)
    out, err = capsys.readouterr()
    assert out == "" and "Runs" in err and "3/3" in err
    assert somebody_watches()
    assert err.rpartition("\r")[0].rpartition("\r")[2].strip() == ""


@pytest.mark.parametrize("options", [{"wanted": False}, {"delay": 60}])
def test_no_bar_unless_it_is_wanted_and_takes_its_time(capsys, options):
    with progress_bar(3, "Runs", "run", **{"delay": 0, **options}) as bar:
        bar.update(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_without_a_total_counts(capsys):
    with progress_bar(None, "Searching", "iteration", delay=0, mininterval=0) as bar:
        bar.update(7)
        time.sleep(0.01)
        bar.update()
    assert "8iteration" in capsys.readouterr().err


def test_a_bar_that_was_interrupted_with_its_lock_leaves_other_threads_free(capsys):
    progress_bar(3, "Interrupted", "run", delay=0).get_lock().acquire()
    finished = []

    def work():
        for wanted in (True, False):
            with progress_bar(3, "Runs", "run", wanted, delay=0) as bar:
                bar.update()
            finished.append(wanted)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    assert finished == [True, False]


def test_who_wants_no_bar_does_not_touch_tqdm(monkeypatch):
    monkeypatch.delattr("helpers.support.progress.tqdm")
    with progress_bar(3, "Runs", "run", wanted=False) as bar:
        bar.update()

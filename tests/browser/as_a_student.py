"""The notebooks in JupyterLab and Notebook 7, in a real browser: `make browser`.

Screenshots go to `build/browser/`, to be looked at.
"""

import re
import time

import nbformat
import psutil
import pytest
from actions import (
    SCREENSHOTS,
    THEMES,
    change_theme,
    choose,
    contrasts,
    executed,
    failed,
    notebook,
    opened,
    outputs,
    pictures,
    press,
    restart_and_run_all,
    run_cell,
    screenshots,
    select,
    text_of,
    wait_until_idle,
    write,
)

from tools.notebooks import ROOT, notebook_paths

NAMES = [path.stem for path in notebook_paths(ROOT)]
# A wrong first answer for the notebooks that begin with a function, and what is said of it.
WRONG = {
    "01_data_preparation": (
        "def my_preprocess_data(data):\n"
        "    X = data.data.numpy().reshape(len(data.data), -1).astype('float32')\n"
        "    return X, np.eye(10, dtype='float32')[data.targets.numpy()]\n",
        "255",
    ),
    "02_hand_coded_sgd": (
        "def my_softmax(logits):\n"
        "    powers = np.exp(logits - logits.max())\n"
        "    return powers / powers.sum(axis=0)\n",
        "axis",
    ),
}
IN_FLOAT64 = """def my_preprocess_data(data):
    X = data.data.numpy().reshape(len(data.data), -1) / 255
    return X, np.eye(10)[data.targets.numpy()]
"""
ESCAPE = re.compile(r"\x1b\[[\d;]*m")

each_interface = pytest.mark.parametrize("interface", ["lab", "notebook"])
each_notebook = pytest.mark.parametrize("name", NAMES)


def worked(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    return {cell.id: cell for cell in cells}


def first_exercise(name):
    """The ids of the first answer that is code and of its check."""
    graded = [cell for cell in worked(name).values() if "nbgrader" in cell.metadata]
    answers = [cell.id for cell in graded if cell.metadata.nbgrader.solution]
    checks = [cell.id for cell in graded if not cell.metadata.nbgrader.solution]
    return answers[0], checks[0]


def solution(name, cell_id):
    return re.sub(r"^ *### (BEGIN|END) .*\n?", "", worked(name)[cell_id].source, flags=re.MULTILINE)


def plain(output):
    return ESCAPE.sub("", text_of(output)).strip()


def one_line(page, cell_id):
    """What the error of a cell shows; it must be a line or two, without a traceback."""
    (error,) = [output for output in outputs(page, cell_id) if output.output_type == "error"]
    assert "Traceback" not in plain(error) and len(plain(error).splitlines()) <= 3, plain(error)
    return plain(error)


# The worked edition


@each_interface
@each_notebook
def test_the_worked_edition_runs_and_all_figures_show(browser, servers, name, interface):
    with opened(browser, servers["worked"], interface, name) as page:
        restart_and_run_all(page)
        cells = [cell for cell in notebook(page).cells if cell.cell_type == "code"]
        assert not failed(page)
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        written = [o.text for cell in cells for o in cell.outputs if o.get("name") == "stderr"]
        assert not written
        drawn = sum("image/png" in o.get("data", {}) for cell in cells for o in cell.outputs)
        seen = pictures(page)
        assert len(seen) >= drawn > 0
        for width, colors in seen.values():
            assert width > 100 and colors > 5
        if interface == "lab":
            screenshots(page, f"worked-{name}")


@each_notebook
def test_what_a_picture_shows_is_said_below_it(browser, servers, name):
    """JupyterLab ignores alternative texts, so the sentence must stand on the page."""
    with opened(browser, servers["worked"], "lab", name) as page:
        for cell in notebook(page).cells:
            for output in cell.get("outputs", []):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt")
                if "image/png" in output.get("data", {}):
                    assert alt, cell.id
                    shown = select(page, cell.id).locator(".jp-OutputArea").inner_text()
                    assert alt.split()[0] in shown, f"{cell.id}: {alt}"


@each_interface
def test_a_slider_changes_its_figure_and_adds_none(browser, servers, editions, interface):
    name = "02_hand_coded_sgd"
    (cell_id,) = [key for key, cell in worked(name).items() if "SelectionSlider(" in cell.source]
    with opened(browser, servers["worked"], interface, name) as page:
        restart_and_run_all(page)
        before = set(pictures(page))
        handle = select(page, cell_id).locator(".noUi-handle")
        handle.focus()
        handle.press("ArrowLeft")
        wait_until_idle(page)
        after = set(pictures(page))
        assert len(after) == len(before) and len(after - before) == 1
        assert not failed(page)
        press(page, "docmanager:save")
        page.wait_for_timeout(2000)
    # Opened without a kernel, as graders do, there is still the figure.
    saved = nbformat.read(editions["worked"] / "notebooks" / f"{name}.ipynb", as_version=4)
    shown = [
        o
        for cell in saved.cells
        for o in cell.get("outputs", [])
        if "image/png" in o.get("data", {})
    ]
    assert len(shown) == len(before)


def test_a_stop_during_training_stops_run_all_with_one_line(browser, servers):
    name = "03_batch_size_study"
    longer = worked(name)["fixed"].source.replace("NUM_EPOCHS = 40", "NUM_EPOCHS = 400")
    with opened(browser, servers["worked"], "lab", name) as page:
        write(page, "fixed", longer)
        restart_and_run_all(page, wait=False)
        page.wait_for_timeout(60_000)
        press(page, "notebook:interrupt-kernel")
        wait_until_idle(page)
        (stopped,) = failed(page)
        one_line(page, stopped)
        assert executed(page)[-1] == stopped


# The student edition


@each_interface
@each_notebook
def test_the_student_edition_stops_at_the_first_exercise(browser, servers, name, interface):
    answer, check = first_exercise(name)
    with opened(browser, servers["student"], interface, name) as page:
        restart_and_run_all(page)
        assert failed(page) == [check] == executed(page)[-1:]
        assert "not attempted" in one_line(page, check)
        if interface == "lab":
            screenshots(page, f"student-{name}")
        write(page, answer, solution(name, answer))
        run_cell(page, answer)
        cell = run_cell(page, check)
        assert failed(page) == []
        (green,) = outputs(page, check)
        assert "is right" in plain(green) and len(plain(green).splitlines()) == 1
        assert_readable(page, cell)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_named_in_readable_colors(browser, servers, name):
    answer, check = first_exercise(name)
    wrong, words = WRONG[name]
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        write(page, answer, wrong)
        run_cell(page, answer)
        cell = run_cell(page, check)
        (error,) = outputs(page, check)
        assert error.ename == "CheckFailed" and words in plain(error)
        assert "Traceback" not in plain(error)
        assert_readable(page, cell)
        page.screenshot(path=SCREENSHOTS / f"wrong-{name}.png")


def assert_readable(page, cell):
    """At least WCAG's 4.5 in both themes."""
    for theme in THEMES:
        change_theme(page, theme)
        page.wait_for_timeout(1000)
        assert min(contrasts(cell)) >= 4.5, (theme, contrasts(cell))
    change_theme(page, "light")


def test_the_checks_below_stop_one_after_the_other(browser, servers):
    """After a failed check one selects the cell below it, and runs from there to the next."""
    name = "02_hand_coded_sgd"
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        for _ in range(3):
            ids = [cell.id for cell in notebook(page).cells]
            stopped = executed(page)[-1]
            select(page, ids[ids.index(stopped) + 1])
            choose(page, "Run", "Run Selected Cell and All Below")
            wait_until_idle(page)
            assert executed(page)[-1] == failed(page)[-1] != stopped
            one_line(page, failed(page)[-1])


def test_a_forgotten_line_is_named(browser, servers):
    name = "02_hand_coded_sgd"
    answer, check = first_exercise(name)
    first, *rest = solution(name, answer).splitlines()
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        write(page, answer, "\n".join([first, "    checks.not_attempted()", *rest]))
        run_cell(page, answer)
        run_cell(page, check)
        assert "checks.not_attempted()" in one_line(page, check)


def test_a_right_answer_in_float64_gets_a_line_of_the_course_and_no_warning(browser, servers):
    name = "01_data_preparation"
    answer, check = first_exercise(name)
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        write(page, answer, IN_FLOAT64)
        run_cell(page, answer)
        cell = run_cell(page, check)
        assert not failed(page)
        assert all(output.get("name") != "stderr" for output in outputs(page, check))
        assert "float64" in " ".join(map(plain, outputs(page, check)))
        assert_readable(page, cell)


def test_a_stopped_check_of_an_endless_loop_leaves_nothing_running(browser, servers):
    name = "02_hand_coded_sgd"
    answer, check = first_exercise(name)
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        write(page, answer, "def my_softmax(logits):\n    while True:\n        pass\n")
        run_cell(page, answer)
        run_cell(page, check, wait=False)
        page.wait_for_timeout(1500)
        press(page, "notebook:interrupt-kernel")
        wait_until_idle(page)
        one_line(page, check)
        write(page, answer, "import os\nprint(os.getpid())")
        run_cell(page, answer)
        kernel = psutil.Process(int(plain(outputs(page, answer)[0])))
        kernel.cpu_percent()
        time.sleep(3)
        assert kernel.cpu_percent() < 20

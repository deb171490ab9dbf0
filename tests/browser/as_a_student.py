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
    SKIP_BELOW,
    THEMES,
    change_theme,
    contrasts,
    executed,
    failed,
    notebook,
    one_line,
    opened,
    outputs,
    pictures,
    plain,
    press,
    restart_and_run_all,
    run_cell,
    run_from,
    screenshots,
    select,
    wait_until_idle,
    wait_until_running,
    write,
)

from grading.edition.course import POINTS
from tools.notebooks import ROOT

NAMES = list(POINTS)
WITH_EXERCISES = [name for name in NAMES if POINTS[name]]
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
BAR = """
from helpers.support.progress import progress_bar
print("before")
with progress_bar(3, "Runs", "run", delay=0, mininterval=0) as bar:
    bar.update(3)
print("after")
"""

each_interface = pytest.mark.parametrize("interface", ["lab", "notebook"])
each_notebook = pytest.mark.parametrize("name", NAMES)
each_with_exercises = pytest.mark.parametrize("name", WITH_EXERCISES)


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


def words(text):
    return " ".join(re.findall(r"\w+", text))


# Nothing stops


@each_notebook
def test_opening_a_notebook_changes_the_version_of_python_and_no_more(browser, servers, name):
    stored = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    with opened(browser, servers["worked"], "lab", name) as page:
        page.wait_for_timeout(2000)
        as_opened = notebook(page)
        # Jupyter writes down which Python runs it; the outputs are the same for all of them.
        as_opened.metadata.language_info.pop("version", None)
        assert as_opened.metadata == stored.metadata
        assert [cell.source for cell in as_opened.cells] == [cell.source for cell in stored.cells]


@each_interface
@pytest.mark.parametrize(
    ("edition", "name"),
    [("worked", name) for name in NAMES]
    + [("student", name) for name in NAMES if name not in WITH_EXERCISES],
)
def test_a_notebook_runs_to_its_end_and_all_figures_show(
    browser, servers, edition, name, interface
):
    with opened(browser, servers[edition], interface, name) as page:
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
            screenshots(page, f"{edition}-{name}")


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
                    assert words(alt) in words(shown), f"{cell.id}: {alt}"


def test_an_animation_is_seen_after_run_all(browser, servers):
    name = "05_going_further"
    (shown,) = [key for key, cell in worked(name).items() if "animate_slice(" in cell.source]
    with opened(browser, servers["worked"], "lab", name) as page:
        page.evaluate(SKIP_BELOW, [cell.id for cell in notebook(page).cells].index(shown))
        restart_and_run_all(page)
        select(page, shown)
        page.wait_for_timeout(1000)
        assert page.locator(".animation img").bounding_box()["width"] > 100


@each_interface
def test_a_slider_changes_its_figure_and_adds_none(browser, servers, editions, interface):
    name = "02_hand_coded_sgd"
    (cell_id,) = [key for key, cell in worked(name).items() if "SelectionSlider(" in cell.source]
    with opened(browser, servers["worked"], interface, name) as page:
        restart_and_run_all(page)
        before, drawn = set(pictures(page)), outputs(page, "two-figure")
        # With the mouse: Notebook 7 takes the arrow keys for itself.
        select(page, cell_id).locator(".noUi-target").click(position={"x": 2, "y": 2})
        page.wait_for_timeout(5000)  # long enough for a second reaction, if there were one
        assert outputs(page, "two-figure") != drawn
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
    with opened(browser, servers["worked"], interface, name) as page:
        assert set(pictures(page)) == after


@pytest.mark.parametrize(
    ("name", "cell_id", "words"),
    [
        ("02_hand_coded_sgd", "cell-29", "sys.last_value.history"),
        ("03_batch_size_study", "runs", "They are kept"),
    ],
)
def test_a_stop_during_training_stops_run_all_with_one_line(browser, servers, name, cell_id, words):
    source = worked(name)[cell_id].source
    longer = re.sub(r"(num_epochs ?= ?\d+)", r"\g<1>0", source, flags=re.IGNORECASE)
    assert longer != source
    with opened(browser, servers["worked"], "lab", name) as page:
        write(page, cell_id, longer)
        restart_and_run_all(page, wait=False)
        wait_until_running(page, cell_id)
        page.wait_for_timeout(3000)
        press(page, "notebook:interrupt-kernel")
        wait_until_idle(page)
        assert failed(page) == [cell_id] == executed(page)[-1:]
        assert words in one_line(page, cell_id)


def test_a_progress_bar_leaves_nothing_to_be_seen(browser, servers):
    """Its output stays in the file, empty, since Jupyter has no message that removes one."""
    name = "02_hand_coded_sgd"
    with opened(browser, servers["worked"], "lab", name) as page:
        write(page, "setup", worked(name)["setup"].source + BAR)
        cell = run_cell(page, "setup")
        stored = [output.get("text", output.get("data")) for output in outputs(page, "setup")]
        assert stored == ["before\n", {}, "after\n"]
        shown = cell.locator(".jp-OutputArea-child").all_inner_texts()
        assert [text.strip() for text in shown] == ["before", "after"]


# The student edition


@each_interface
@each_with_exercises
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
        page.screenshot(path=SCREENSHOTS / f"wrong-{name}.png")
        assert_readable(page, cell)


def assert_readable(page, cell):
    """At least WCAG's 4.5 in both themes."""
    for theme in THEMES:
        change_theme(page, theme)
        page.wait_for_timeout(1000)
        assert min(contrasts(cell)) >= 4.5, (theme, contrasts(cell))
    change_theme(page, "light")


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_reading_unanswered_takes_a_stop_for_each_exercise_at_most(browser, servers, name):
    """After a failed check one selects the cell below it, and runs from there to the next."""
    exercises = [answer for answer in worked(name) if f"{answer}-check" in worked(name)]
    with opened(browser, servers["student"], "lab", name) as page:
        restart_and_run_all(page)
        last = [cell.id for cell in notebook(page).cells if cell.cell_type == "code"][-1]
        stops = []
        while (stopped := executed(page)[-1]) != last:
            assert stopped == failed(page)[-1] and stopped not in stops
            one_line(page, stopped)
            stops.append(stopped)
            ids = [cell.id for cell in notebook(page).cells]
            run_from(page, ids[ids.index(stopped) + 1])
        assert stops == failed(page) and 0 < len(stops) <= len(exercises)


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

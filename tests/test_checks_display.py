"""How a check is shown: in colors that can be read, in one line, with a line of the student's."""

import _thread
import re
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from answers.gradient import dictionary_by_name
from answers.softmax import raising_in_compiled_code
from test_checks import verdict, written

from helpers import checks
from helpers.checks import attempts, display

THEMES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "themes" / "@jupyterlab"


def color(text, behind=(255, 255, 255)):
    """Red, green and blue of a color of CSS, seen before what is behind it."""
    if text == "white":
        return 255, 255, 255
    if text.startswith("#"):
        digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
        return tuple(int(digits[k : k + 2], 16) for k in (0, 2, 4))
    *rgb, opacity = map(float, re.findall(r"[\d.]+", text))
    return tuple(opacity * c + (1 - opacity) * b for c, b in zip(rgb, behind, strict=True))


def contrast(one, other):
    """As WCAG 2 defines it, from 1 to 21."""

    def luminance(rgb):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.divide(rgb, 255)
        ]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_messages_can_be_read_in_both_themes_of_jupyterlab(theme):
    style = THEMES / f"theme-{theme}-extension" / "index.css"
    if not style.exists():
        pytest.skip("JupyterLab's themes are not where they are expected")
    found = dict(re.findall(r"(--jp-[\w-]+): ?([^;}]+)", style.read_text()))
    page = color(found["--jp-layout-color0"])
    error = color(found["--jp-rendermime-error-background"], behind=page)
    assert contrast(color(found["--jp-content-font-color1"], behind=page), page) >= 4.5
    assert contrast(color(found["--jp-content-font-color1"], behind=error), error) >= 4.5


@pytest.mark.parametrize("code", [display.GREEN, display.YELLOW])
def test_marks_bring_their_own_background(code):
    text, background = re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", code)
    assert contrast([*map(int, text)], [*map(int, background)]) >= 4.5


def test_text_keeps_the_color_of_the_theme(capsys):
    display.say("my_softmax is right.")
    shown = capsys.readouterr().out
    assert shown.endswith(f"{display.END} my_softmax is right.\n")
    [shown] = checks.CheckFailed("my_softmax: not normalized.\n    more")._render_traceback_()
    assert re.findall(r"\x1b\[([\d;]*)m", shown) == ["1", "0"]


def test_outside_of_a_kernel_nothing_waits():
    started = time.perf_counter()
    checks.CheckFailed("my_softmax: not normalized.")._render_traceback_()
    assert time.perf_counter() - started < display.SECONDS_TO_ABORT


@pytest.mark.slow
def test_an_interrupted_check_ends_the_loop_and_shows_one_line():
    turns = [0]

    def endless(logits):
        while True:
            turns[0] += 1

    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(attempts.CheckInterrupted) as interrupted:
        checks.softmax(endless)
    [shown] = interrupted.value._render_traceback_()
    assert "endless: check interrupted." in shown and len(shown.splitlines()) == 1
    before = turns[0]
    time.sleep(0.2)
    assert turns[0] == before


def test_an_error_in_compiled_code_shows_the_line_that_called_it():
    message = verdict("softmax", raising_in_compiled_code).message
    assert "np.random.default_rng(0).choice(3, size=5, replace=False)" in message
    assert "line 0" not in message and ".pyx" not in message


def test_an_error_without_a_readable_line_shows_none():
    message = verdict("softmax", written("return np.zeros(3) @ np.zeros(4)", "softmax")).message
    assert "in line" not in message and len(message.splitlines()) == 1


def test_code_below_a_forgotten_line_is_pointed_at():
    found = verdict("softmax", written("checks.not_attempted()\n    return a", "softmax"))
    assert found.mistake == "not attempted" and "it is still there" in found.message
    untouched = verdict("softmax", written("checks.not_attempted()", "softmax"))
    assert "still there" not in untouched.message


def test_a_dictionary_shows_which_was_which():
    message = verdict("gradient", dictionary_by_name).message
    assert "'dW' (2, 2)" in message and "'db' (2,)" in message and "(dW, db)" in message


def test_shapes_are_those_that_were_given():
    def not_flattened(data):
        return data.data.numpy() / np.float32(255), np.eye(10, dtype="f")[data.targets.numpy()]

    message = verdict("preprocess_data", not_flattened).message
    assert "(12, 28, 28)" in message and "(12, 784)" in message


def test_of_a_table_the_row_that_differs_is_shown():
    def one_wrong_label(data):
        Y = np.eye(10, dtype="f")[data.targets.numpy()]
        Y[3] = Y[4]
        return data.data.numpy().reshape(-1, 784) / np.float32(255), Y

    message = verdict("preprocess_data", one_wrong_label).message
    assert "Y[3]" in message and len(message) < 700


def test_yield_is_spoken_of_where_it_makes_sense_only():
    assert "yield" in verdict("minibatches", written("a = 1", "minibatches")).message
    assert "yield" not in verdict("softmax", written("a = 1", "softmax")).message


def test_frames_of_libraries_are_no_lines_of_a_student():
    assert not attempts._is_students("numpy/random/_generator.pyx")
    assert not attempts._is_students(np.__file__)
    assert attempts._is_students(__file__)

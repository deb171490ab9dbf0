"""Call what a student has written: with a time limit, and with plain words for what goes wrong."""

import ctypes
import dis
import inspect
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import islice
from pathlib import Path

import numpy as np

SECONDS = 10.0  # that a call of a student's function may take
MOST_YIELDED = 1000  # more than any exercise asks for
RED, BOLD, END = "\033[1;31m", "\033[1m", "\033[0m"


class CheckFailed(AssertionError):
    """An exercise is not right yet. A notebook shows the message alone, without a traceback.

    Attributes
    ----------
    mistake : str or None
        Short name of the mistake, if it is a known one.
    """

    def __init__(self, message, mistake=None):
        super().__init__(message)
        self.mistake = mistake

    def _render_traceback_(self):
        """What IPython shows in place of a traceback; the first line stands out."""
        first, *rest = str(self).split("\n")
        colour = BOLD if self.mistake == "not attempted" else RED
        return ["\n".join([f"{colour}{first}{END}", *rest])]


def not_attempted(name=None):
    """Say calmly that there is nothing to check yet; the stub of every exercise calls it.

    Parameters
    ----------
    name : str, optional
        What is not attempted; the function that this is called from if not given.

    Raises
    ------
    CheckFailed
    """
    name = name or sys._getframe(1).f_code.co_name
    raise CheckFailed(f"{name}: not attempted yet.", "not attempted")


def call(function, *arguments, listed=False):
    """What a student's function returns.

    It runs in a thread of its own, so that a loop without end can be left.

    Parameters
    ----------
    function : callable
    arguments
        Given to it by position.
    listed : bool
        Whether what it returns is to be read through, into a list of copies.

    Raises
    ------
    CheckFailed
        It is not written yet, cannot be called like this, raised an error, or did not finish.
    """
    if not callable(function):
        raise CheckFailed(f"expected a function, got {function!r:.100}", "not a function")
    name = name_of(function)
    if _is_stub(inspect.unwrap(function)):
        not_attempted(name)
    outcome = {}
    thread = threading.Thread(target=_run, args=(function, arguments, listed, outcome), daemon=True)
    thread.start()
    try:
        thread.join(SECONDS)
    finally:  # also when somebody presses Ctrl-C while waiting
        is_late = thread.is_alive()
        _stop(thread)
    if is_late:
        raise CheckFailed(
            f"{name} did not finish: stopped after {SECONDS:g} s on a tiny input. Look for a loop "
            "that never ends." + " It still goes on: restart the kernel." * thread.is_alive(),
            "did not finish",
        )
    if "error" in outcome:
        _explain(name, function, outcome["error"])
    return outcome["result"]


def name_of(function):
    """The name under which a student knows a function."""
    return getattr(function, "__name__", type(function).__name__)


def _run(function, arguments, listed, outcome):
    with np.errstate(all="ignore"):  # a NaN is diagnosed, no warning need announce it
        try:
            result = function(*arguments)
            # A generator runs while it is read: here, where a loop without end can be left. And it
            # may refill one array again and again.
            if isinstance(result, Iterable if listed else Iterator):
                result = [copy(each) for each in islice(result, MOST_YIELDED)]
            outcome["result"] = result
        except BaseException as error:  # whatever it is, sys.exit() too: it is to be explained
            outcome["error"] = error


def _stop(thread):
    """Raise SystemExit inside of the thread; a loop that swallows it is left behind."""
    for _ in range(5):
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
        thread.join(0.1)


def _is_stub(function):
    """Whether the body does nothing: `pass`, `...`, or a docstring alone."""
    code = getattr(function, "__code__", None)
    return code is not None and _instructions(code) == _instructions((lambda: None).__code__)


def _instructions(code):
    return [(each.opname, each.argval) for each in dis.get_instructions(code)]


def _explain(name, function, error):
    """Raise CheckFailed for an error that a call of the function ended with."""
    if isinstance(error, CheckFailed):
        raise error.with_traceback(None)  # of a stub: its own, or of another exercise that it uses
    steps = [
        step for step in traceback.extract_tb(error.__traceback__) if step.filename != _THIS_FILE
    ]
    own = [step for step in steps if not step.filename.startswith(_NOT_THE_STUDENTS)] or steps
    if isinstance(error, NotImplementedError) and len(own) == 1:
        not_attempted(name)
    text = f"{type(error).__name__}: {error}"
    if not own:
        raise CheckFailed(
            f"{name} cannot be called as the exercise says: {text}", "cannot be called"
        )
    raise CheckFailed(
        f"{name} raised {text}\n    in line {own[-1].lineno}:  {own[-1].line}", "raised"
    )


_THIS_FILE = call.__code__.co_filename
_NOT_THE_STUDENTS = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(Path(_THIS_FILE).parents[1]),  # helpers
)

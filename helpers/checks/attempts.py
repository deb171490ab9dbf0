"""Call what a student has written: with a time limit, and with plain words for what goes wrong.

A grader gives the checks stand-ins for the student's functions, which run in another process. All
that a check knows of a function is its `__name__` and what happens when it is called, so a stand-in
needs these two, and to behave like a call: it raises the `CheckFailed` that `call` raised over
there (with message and mistake: not attempted, raised, did not finish, …), and writes back into the
arrays that it was given what the student's function wrote into them.
"""

import builtins
import contextlib
import ctypes
import dis
import inspect
import re
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import islice
from pathlib import Path

import numpy as np

from helpers.checks.display import traceback_of

SECONDS = 10.0  # that a call of a student's function may take
MOST_YIELDED = 1000  # more than any exercise asks for
LONGEST_ERROR = 400  # characters of an error message that are shown


class CheckFailed(AssertionError):
    """An exercise is not right yet. A notebook shows the message alone, without a traceback.

    Attributes
    ----------
    mistake : str or None
        Short name of the mistake, if it is a known one; of two at once, "one; other".
    """

    def __init__(self, message, mistake=None):
        super().__init__(message)
        self.mistake = mistake

    def _render_traceback_(self):
        return traceback_of(str(self))


class CheckInterrupted(KeyboardInterrupt):
    """Somebody stopped a check. A notebook shows one line."""

    _render_traceback_ = CheckFailed._render_traceback_


class _AskedForInput(Exception):
    """A student's function called `input()`."""


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
    message = f"{name or 'This exercise'}: not attempted yet."
    caller = sys._getframe(1)
    if name is None and caller.f_code.co_name != "<module>":
        message = f"{caller.f_code.co_name}: not attempted yet."
        written = {line for *_, line in caller.f_code.co_lines()}
        if written - {None, caller.f_code.co_firstlineno, caller.f_lineno}:
            message += " If it is, delete the line checks.not_attempted(): it is still there."
    raise CheckFailed(message, "not attempted")


def call(function, *arguments, listed=False, within=contextlib.nullcontext()):  # noqa: B008
    """What a student's function returns.

    It runs in a thread of its own, so that a loop without end can be left.

    Parameters
    ----------
    function : callable
    arguments
        Given to it by position.
    listed : bool
        Whether what it returns is to be read through, into a list of copies.
    within : context manager
        Entered in that thread, around the call.

    Raises
    ------
    CheckFailed
        It is not written yet, cannot be called like this, raised an error, or did not finish.
    CheckInterrupted
        By Ctrl-C, or the button of a notebook.
    """
    if not callable(function):
        raise CheckFailed(f"expected a function, got {function!r:.100}", "not a function")
    name = name_of(function)
    if _is_stub(inspect.unwrap(function)):
        not_attempted(name)
    outcome, finished = {}, threading.Event()

    def run():
        try:
            # A NaN is diagnosed, no warning need announce it.
            with np.errstate(all="ignore"), within:
                result = function(*arguments)
                # A generator runs while it is read: here, where a loop without end can be left. And
                # it may refill one array again and again.
                if isinstance(result, Iterable if listed else Iterator):
                    result = [copy(each) for each in islice(result, MOST_YIELDED)]
                outcome["result"] = result
        except BaseException as error:  # whatever it is, sys.exit() too: it is to be explained
            outcome["error"] = error
        finished.set()

    thread = threading.Thread(target=run, daemon=True)
    try:
        with _no_input():
            thread.start()
            is_late = not finished.wait(SECONDS)
    except KeyboardInterrupt:
        _stop(thread, finished)
        raise CheckInterrupted(f"{name}: check interrupted.") from None
    if is_late:
        _stop(thread, finished)
        raise CheckFailed(
            f"{name} did not finish: stopped after {SECONDS:g} s on a tiny input. Look for a loop "
            "that never ends." + " It still goes on: restart the kernel." * (not finished.is_set()),
            "did not finish",
        )
    if "error" in outcome:
        _explain(name, outcome["error"])
    return outcome["result"]


def name_of(function):
    """The name under which a student knows a function."""
    return getattr(function, "__name__", type(function).__name__)


def _stop(thread, finished):
    """Raise SystemExit inside of the thread; a loop that swallows it is left behind."""
    # Not thread.join: once that was interrupted, Python 3.11 and 3.12 take the thread for ended.
    for _ in range(5):
        if thread.ident is None or finished.wait(0):
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
        finished.wait(0.1)


@contextlib.contextmanager
def _no_input():
    """Nobody is there to answer an `input()`: it would wait until the time is over."""

    def ask(*arguments):
        raise _AskedForInput

    kept, builtins.input = builtins.input, ask
    try:
        yield
    finally:
        builtins.input = kept


def _is_stub(function):
    """Whether the body does nothing: `pass`, `...`, or a docstring alone.

    Only a courtesy to who deleted the line of the stub: without the code, as for a stand-in, such a
    function returns nothing, unless `call` on the other side has found it out.
    """
    code = getattr(function, "__code__", None)
    return code is not None and _instructions(code) == _instructions((lambda: None).__code__)


def _instructions(code):
    return [(each.opname, each.argval) for each in dis.get_instructions(code)]


def _explain(name, error):
    """Raise CheckFailed for an error that a call of the function ended with."""
    if isinstance(error, CheckFailed):
        raise error.with_traceback(None)  # of a stub: its own, or of another exercise that it uses
    if isinstance(error, _AskedForInput):
        raise CheckFailed(
            f"{name} asks for input(): all that it needs is in its arguments.", "asks for input"
        )
    steps = [
        step for step in traceback.extract_tb(error.__traceback__) if step.filename != _THIS_FILE
    ]
    own = [step for step in steps if _is_students(step.filename)]
    if isinstance(error, NotImplementedError) and len(steps) == 1:
        not_attempted(name)
    text = f"{type(error).__name__}: {error}"
    if "in user code:" in text:  # TensorFlow puts a traceback of its own into the message
        text = "\n".join(re.findall(r"\n    (\w+(?:Error|Exception): .*)", text)[-1:]) or text
    if len(text) > LONGEST_ERROR:
        text = f"{text[:LONGEST_ERROR]} …"
    if not steps:
        raise CheckFailed(
            f"{name} cannot be called as the exercise says: {text}", "cannot be called"
        )
    line = f"\n    in line {own[-1].lineno}:  {own[-1].line}" if own and own[-1].line else ""
    raise CheckFailed(f"{name} raised {text}{line}", "raised")


def _is_students(filename):
    """Whether code is a student's: compiled code of a library has no path that leads anywhere."""
    return (Path(filename).is_absolute() or filename.startswith("<")) and not (
        filename.startswith(_NOT_THE_STUDENTS) or "__autograph_generated_file" in filename
    )


_THIS_FILE = call.__code__.co_filename
_NOT_THE_STUDENTS = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    "<frozen",
    "<__array_function__",
    str(Path(_THIS_FILE).parents[1]),  # helpers
)

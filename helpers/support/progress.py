"""A progress bar for a person who waits, and for nobody else."""

import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

from tqdm import tqdm


def progress_bar(
    total: int | None,
    description: str,
    unit: str,
    wanted: bool = True,
    delay: float = 2.0,
    **options: Any,
) -> AbstractContextManager[Any]:
    """A tqdm bar that appears after `delay` seconds and is gone when the work is done.

    In a notebook it is an output of the cell that ends as an empty one: nothing of it is seen in
    the file that is saved. A notebook that runs unattended (nbval, nbconvert, nbgrader) has none.

    Parameters
    ----------
    total : int or None
        Number of `unit`s until the end, None if that is not known.
    description, unit : str
        What is being done, and what is being counted.
    wanted : bool
        False for no bar at all.
    delay : float
        Seconds until the bar appears.
    options
        Passed on to tqdm.
    """
    if not (wanted and somebody_watches()):
        return nullcontext(SimpleNamespace(update=lambda n=1: None))

    class Bar(tqdm):
        # One for all bars, as tqdm has, would block every thread once an interrupt left it locked.
        _lock = threading.RLock()
        monitor_interval = 0  # no thread that draws the bar too: Jupyter might miss its cell

    return Bar(
        total=total,
        desc=description,
        unit=unit,
        delay=delay,
        leave=False,
        miniters=1,  # else, without that thread, a bar may stand still
        file=_CellOutput() if kernel() else None,
        **options,
    )


def somebody_watches() -> bool:
    """False if the notebook runs unattended; true in a terminal and for a person at a notebook."""
    # JupyterLab, VS Code and Colab let a cell ask for input; nbclient, and so all that is built on
    # it, does not. There is no public name for it.
    return getattr(kernel(), "_allow_stdin", True)


def kernel():
    """The Jupyter kernel that runs this, or None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython.get_ipython(), "kernel", None) if ipython else None


class _CellOutput:
    """What tqdm takes for a file: the cell shows the last line written, and none once it is blank.

    On stderr Jupyter would draw the bar in a red box, and on either stream a line of it would stay.
    """

    def __init__(self):
        self._shown = None

    def write(self, text):
        line = text.strip()
        data = {"text/plain": line} if line else {}
        if self._shown:
            self._shown.update(data, raw=True)
        elif line:
            from IPython.display import display

            self._shown = display(data, raw=True, display_id=True)

    def flush(self):
        """Nothing waits to be written."""

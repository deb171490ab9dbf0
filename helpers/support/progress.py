"""A progress bar for a person who waits, and for nobody else."""

import sys

from tqdm import tqdm


def progress_bar(total, description, unit, wanted=True, delay=2.0, **options):
    """A tqdm bar that appears after `delay` seconds and is gone when the work is done.

    In a notebook that runs unattended (nbval, nbconvert, nbgrader) there is no bar, since all that
    a cell prints there is stored or compared.

    Parameters
    ----------
    total : int
        Number of `unit`s until the end.
    description, unit : str
        What is being done, and what is being counted.
    wanted : bool
        False for no bar at all.
    delay : float
        Seconds until the bar appears.
    options
        Passed on to tqdm.
    """
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        delay=delay,
        leave=False,
        disable=not (wanted and somebody_watches()),
        **options,
    )


def somebody_watches():
    """Whether there may be a person: not where a notebook's front end could not ask one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    # JupyterLab, VS Code and Colab let a cell ask for input; nbclient, and so all that is built on
    # it, does not. There is no public name for it.
    return getattr(kernel, "_allow_stdin", True)

"""Runs that do not depend on each other, side by side."""

import contextlib
import ctypes
from collections.abc import Callable, Iterable

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from helpers.support.arrays import read_only
from helpers.support.progress import progress_bar
from helpers.support.threads import one_blas_thread

# Of glibc's malloc.h. Left alone, glibc learns from the first large array that is freed to keep
# such pieces of memory for itself: 44 MB in the end of notebook 3. So what is large has a piece of
# its own, which goes back to the system with the array.
M_MMAP_THRESHOLD = -3
with contextlib.suppress(AttributeError, OSError, TypeError):  # other systems have no mallopt
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 8 * 2**20)


class RunsInterrupted(KeyboardInterrupt):
    """Ctrl-C, or ■ in a notebook, ended `run_all`; it says how many runs were finished."""

    def _render_traceback_(self):  # what a notebook shows
        return [str(self)]


def run_all(
    function: Callable,
    settings: Iterable[dict],
    *arrays: NDArray | None,
    n_jobs: int | None = -1,
    progress: bool = True,
) -> list:
    """Call a function once for each entry of `settings`, as many at a time as there are cores.

    The runs are threads of this process and share its arrays: the compiled engine and NumPy's
    products run outside Python's lock. Any other joblib backend does it too:

        with joblib.parallel_config("loky"):
            run_all(train_classifier, settings, X_train, Y_train, n_jobs=None)

    No run gets threads of its own, neither for updates nor for products, so that runs do not wait
    for each other and the results do not depend on how many there are at a time. Only PyTorch and
    TensorFlow set their threads for the whole process: give their runs `n_jobs=1`.

    Parameters
    ----------
    function : callable
        Such as `train_classifier`.
    settings : iterable of dict
        Keyword arguments of the function, one dictionary a run. Long runs first make the best use
        of the cores.
    arrays
        First arguments of every call, or None in place of one. A backend with processes sends them
        to each only once.
    n_jobs : int or None
        Runs at a time, counted as joblib does: −1 is one for each core, None what
        `joblib.parallel_config` says.
    progress : bool
        Show a bar that counts the runs.

    Returns
    -------
    list
        What the function returned, in the order of `settings`. Where runs share the memory of the
        machine, the seconds of a history are somewhat longer than those of a run alone.

    Raises
    ------
    RunsInterrupted
        Ctrl-C, or ■ in a notebook. Runs that are threads go on to their end, no further one starts.
    """
    settings = list(settings)
    data = [None if array is None else read_only(np.asarray(array)) for array in arrays]
    # The C library keeps memory that is free, for every thread apart: back to the system with it.
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc has this function
        ctypes.CDLL(None).malloc_trim(0)
    results = []
    with one_blas_thread(), progress_bar(len(settings), "Runs", "run", wanted=progress) as bar:
        parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
        calls = (delayed(_with_one_thread)(function, *data, **each) for each in settings)
        try:
            for result in parallel(calls):
                results.append(result)
                bar.update()
        except KeyboardInterrupt:
            raise RunsInterrupted(
                f"Interrupted: {len(results)} of {len(settings)} runs are finished."
            ) from None
    return results


def _with_one_thread(function, /, *arrays, **settings):
    """The call, in whichever process it is made."""
    with one_blas_thread():
        return function(*arrays, **settings)

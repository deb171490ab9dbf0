"""Limit the number of threads for as long as a `with` block is open."""

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from threadpoolctl import ThreadpoolController


class OneThread:
    """One thread, while a `with` block of this is open anywhere in the process.

    Whatever happens, Ctrl-C included, the number of threads follows from the blocks that are open.
    Nothing is counted, and each change can be made twice: so one that was interrupted is completed
    by the next, and a block whose `__exit__` was interrupted closes when its generator is deleted.

    Parameters
    ----------
    libraries : function
        The libraries that have threads now, each with `get_num_threads` and `set_num_threads`.
    """

    def __init__(self, libraries: Callable[[], list]):
        self._libraries = libraries
        self._open: set[object] = set()  # the blocks, of all threads
        self._before: list[tuple[Any, int]] = []  # what to go back to
        self._lock = threading.RLock()  # the deletion may come while its own thread has the lock

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        block = object()
        try:
            with self._lock:
                self._open.add(block)
                self._settle()
            yield
        finally:
            try:
                self._close(block)
            except BaseException:  # interrupted: once more
                self._close(block)
                raise

    def _close(self, block: object) -> None:
        with self._lock:
            self._open.discard(block)
            self._settle()

    def _settle(self) -> None:
        if self._open:
            if not self._before:
                self._before = [(each, each.get_num_threads()) for each in self._libraries()]
            for library, _ in self._before:
                library.set_num_threads(1)
        else:
            for library, number in self._before:
                library.set_num_threads(number)
            self._before = []


@functools.lru_cache(maxsize=1)
def _blas_libraries(num_modules: int) -> list:
    """NumPy's, and those of other packages; looked for only if one may have been loaded since."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


# Limits the number of BLAS threads to one. The products of a minibatch are too small for two, which
# spend more time on waiting for each other; and in a parallel study each run has a core of its own.
one_blas_thread = OneThread(lambda: _blas_libraries(len(sys.modules)))

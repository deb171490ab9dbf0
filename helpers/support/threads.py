"""How many threads the products of matrices may have."""

import threading
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_users = []  # one entry for each `with` block that runs now, in any thread
_limits = []  # what the first of them has set, for the last one to take back


@contextmanager
def one_blas_thread():
    """NumPy's products run in one thread while a `with` block of this is open anywhere.

    The products of a minibatch are too small for two threads, which spend more time on waiting for
    each other; and in a parallel study each run has a core of its own.
    """
    with _lock:
        _users.append(None)
        if len(_users) == 1:
            _limits.append(threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _users.pop()
            if not _users:
                _limits.pop().restore_original_limits()

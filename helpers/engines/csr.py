"""Images as compressed sparse rows (CSR): four out of five pixels of MNIST are 0, and left out.

SciPy's `csr_array` has the same three arrays. Made by it, those of MNIST would take four seconds
instead of a fraction of one, and a third more memory for column numbers of four bytes.
"""

import threading
from typing import NamedTuple

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from helpers.engines.compiled import CACHE_LINE, compiled, prefetch
from helpers.support.arrays import derived


class CSR(NamedTuple):
    """Pixels of row i: `data[p]` in column `indices[p]`, for p from indptr[i] to indptr[i + 1]."""

    indptr: NDArray
    indices: NDArray
    data: NDArray
    num_features: int  # all indices are smaller


def of(X: NDArray) -> CSR:
    """The CSR of X, kept with X if this is a view of our own (`helpers.support.arrays`).

    So it lives as long as the view, during which nobody changes X, and no other array can meet it.
    """
    kept = derived(X)
    if kept is None:
        return _make(X)
    with _lock:  # the runs of a study share one
        if "CSR" not in kept:
            kept["CSR"] = _make(X)
        return kept["CSR"]


def is_sparse(X: NDArray) -> bool:
    """True where lists are faster than BLAS: most pixels of the first images are 0."""
    return bool(np.count_nonzero(X[:100]) <= X[:100].size / 2)


_lock = threading.Lock()


def _make(X: NDArray) -> CSR:
    indptr = _row_starts(X)
    size, index = int(indptr[-1]), np.dtype(np.uint16 if X.shape[1] <= 2**16 else np.uint32)
    # In one piece of memory: pieces this large go back to the system as soon as they are free.
    memory = np.empty(size * (X.itemsize + index.itemsize), np.uint8)
    data, indices = memory[: size * X.itemsize], memory[size * X.itemsize :]
    csr = CSR(indptr, indices.view(index), data.view(X.dtype), X.shape[1])
    _fill(X, *csr[:3])
    return csr


@compiled
def _row_starts(X):
    indptr = np.zeros(len(X) + 1, np.uint64)
    for i in range(len(X)):
        count = 0
        for j in range(X.shape[1]):
            count += X[i, j] != 0
        indptr[i + 1] = indptr[i] + uint64(count)
    return indptr


@compiled
def _fill(X, indptr, indices, data):
    for i in range(len(X)):
        p = indptr[i]
        for j in range(X.shape[1]):
            if X[i, j] != 0:
                indices[p], data[p] = j, X[i, j]
                p += uint64(1)


@compiled
def prefetch_row(array, start, end):
    """Ask for `indices` or `data` of a row before its turn: memory is slower than the loop."""
    for p in range(start, end, uint64(CACHE_LINE // array.itemsize)):
        prefetch(array, p)

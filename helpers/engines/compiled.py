"""Rows of a whole number of registers, for compiled code: the processor works on one at a time."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from llvmlite import ir  # after numba, which brings it and whose absence is to be named
from numpy.typing import DTypeLike, NDArray

LANES = 16  # numbers of a row that are worked on at once: 512 bits of float32
CACHE_LINE = 64  # bytes
# Numba's cache looks for changes in the file of a function, but not in those of what it calls.
_SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
_DIGEST = hashlib.sha256(_SOURCES).hexdigest()[:8]


def compiled(function: Callable) -> Callable:
    """Numba's `njit`, kept on disk; it may reorder sums, but knows NaN and infinity."""
    function.__qualname__ += f"_{_DIGEST}"  # part of the name of its file in the cache
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder for the cache: each process compiles anew
        return njit(**options)(function)


def padded(W: NDArray) -> NDArray:
    """A copy of W (features, classes) with its rows padded with zeros to whole registers."""
    num_features, num_classes = W.shape
    V = aligned_zeros(num_features, -(-num_classes // LANES) * LANES, W.dtype)
    V[:, :num_classes] = W
    return V


def aligned_zeros(num_rows: int, num_columns: int, dtype: DTypeLike) -> NDArray:
    """Zeros whose rows begin at a cache line: a row that lies across two of them costs more."""
    size = num_rows * num_columns * np.dtype(dtype).itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    offset = -memory.ctypes.data % CACHE_LINE
    return memory[offset : offset + size].view(dtype).reshape(num_rows, num_columns)


@intrinsic
def add_row(typing_context, A, i, x, B, j):
    """A[i] += x · B[j], where rows have LANES numbers.

    As a loop in Python this is compiled to one number at a time, since the compiler must assume
    that A and B overlap, and the updates take twice as long.
    """

    def generate(context, builder, signature, arguments):
        array_A, i, x, array_B, j = arguments
        row = ir.VectorType(x.type, LANES)

        def pointer(array_type, array, index):
            data = context.make_array(array_type)(context, builder, array).data
            return builder.gep(builder.bitcast(data, row.as_pointer()), [index])

        target, source = pointer(A, array_A, i), pointer(B, array_B, j)
        xs = ir.Constant(row, ir.Undefined)
        for lane in range(LANES):
            xs = builder.insert_element(xs, x, ir.IntType(32)(lane))
        product = builder.fmul(xs, builder.load(source, align=4), flags=["contract"])
        total = builder.fadd(builder.load(target, align=4), product, flags=["contract"])
        builder.store(total, target, align=4)
        return context.get_dummy_value()

    return types.void(A, types.uint64, A.dtype, B, types.uint64), generate


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for array[index] to be brought from memory, without waiting for it."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(array)(context, builder, arguments[0]).data
        number = ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [address.type],
            ir.FunctionType(ir.VoidType(), [address.type, number, number, number]),
        )
        builder.call(prefetch, [address, number(0), number(3), number(1)])  # to read it, soon, data
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate

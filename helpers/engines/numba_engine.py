"""The compiled engine: the updates of the hand-coded one, without its detours.

Four out of five pixels of MNIST are 0: they add nothing to the logits, and nothing is subtracted
from their weights. So each image is kept as the list of its other pixels, and an update runs over
the lists of its minibatch twice: for the logits, and to subtract the gradient from the weights.

- The penalty shrinks all weights by the same factor, 1 − learning_rate · λ. Instead of touching
  them all, an update multiplies one number by it, `scale`, with W = scale · V.
- Numbers that might overflow are left to the hand-coded engine. So both notice divergence at the
  same update, although lists never meet the 0 · ∞ = NaN of a product with all pixels.
- A row of V, the weights of one pixel, is padded with zeros to whole registers of the processor.

Evaluations use the same lists (`logits`).

There is one thread, and it does not hold the GIL: independent runs may share a process
(`helpers.support.parallel`). What was compiled is kept on disk.
"""

import math
import threading
import weakref

import numpy as np
from numba import njit, types, uint64
from numba.extending import intrinsic
from llvmlite import ir  # after numba, which brings it and whose absence is to be named

from helpers import softmax
from helpers.engines import numpy_engine

LANES = 16  # weights that are worked on at once: 512 bits of float32
CACHE_LINE = 64  # bytes
AHEAD = 2  # how many images before its turn a list is asked for: memory is slower than the loop
# From this batch size on, the contributions of the images are added up before they go into V. Each
# alone would be so small that float32 loses part of it; below, there is little to lose, and to pay.
SUM_FIRST = 16
DTYPES = (np.float32, np.float64)
SMALLEST_SCALE, LARGEST_SCALE = 1e-3, 1e3


def prepare(X, Y, *, batch_size, reg_lambda, reduction, fit_bias):
    """See `helpers.engines`; X must be float32 or float64."""
    if X.dtype not in DTYPES:
        raise ValueError(f"X_train is {X.dtype}, the engine 'numba' takes float32 and float64")
    advance_by_hand = numpy_engine.prepare(
        X, Y, batch_size=batch_size, reg_lambda=reg_lambda, reduction=reduction, fit_bias=fit_bias
    )
    if batch_size >= 16 and not _is_sparse(X):
        return advance_by_hand
    starts, columns, pixels = _pixel_lists(X)
    labels = Y.argmax(axis=1)
    num_features, num_classes = X.shape[1], Y.shape[1]
    # No weight is moved further than this by the data, at learning rate 1 ...
    largest_pixel = np.maximum(np.maximum(X.max(), -X.min()), 1).astype(float)
    reach = largest_pixel * (batch_size if reduction == "sum" else 1)
    # ... and no number on the way overflows where all weights are smaller than this.
    safe = np.finfo(X.dtype).max / 1e6 / (largest_pixel * num_features)

    def advance(W, b, rows, learning_rates):
        V, b = _padded(W), b.copy()
        step = _aligned_zeros(*V.shape, V.dtype)
        residual = _aligned_zeros(batch_size, V.shape[1], V.dtype)
        minibatch_loss = np.empty(len(learning_rates))
        num_made = _advance(
            V, b, step, residual, _two_sums(V), minibatch_loss, columns, pixels, starts[rows],
            starts[rows + 1], labels[rows], learning_rates, batch_size, float(reg_lambda),
            reduction == "mean", fit_bias, reach, safe,
        )  # fmt: skip
        W = V[:, :num_classes].copy()
        if num_made == len(minibatch_loss):
            return W, b, minibatch_loss
        W, b, rest = advance_by_hand(W, b, rows[num_made * batch_size :], learning_rates[num_made:])
        return W, b, np.concatenate([minibatch_loss[:num_made], rest])

    # The first call compiles, or reads from disk: here that is outside the clock.
    W, b = np.zeros((num_features, num_classes), X.dtype), np.zeros(num_classes, X.dtype)
    advance(W, b, np.arange(0), np.zeros(0, X.dtype))
    return advance


def logits(W, b, X):
    """As `helpers.softmax.logits`, over the lists of X where they can be kept and are worth it."""
    if X.flags.writeable or X.dtype not in DTYPES or W.dtype != X.dtype or not _is_sparse(X):
        return softmax.logits(W, b, X)
    V = _padded(W)
    scores = np.empty((len(X), len(b)), X.dtype)
    _multiply(V, _two_sums(V), *_pixel_lists(X), scores)
    scores += b
    return scores


def _is_sparse(X):
    """Whether lists are faster than BLAS: where most pixels are 0."""
    return np.count_nonzero(X[:100]) <= X[:100].size / 2


def _compiled(function):
    """Numba's `njit`; the freedoms in arithmetic are those that leave NaN and infinity alone."""
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder for the cache: each process compiles anew
        return njit(**options)(function)


@intrinsic
def _add_row(typing_context, A, i, x, B, j):
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
def _prefetch(typing_context, array, index):
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


@_compiled
def _multiply(V, sums, starts, columns, pixels, scores):
    """The products of all images with V, into `scores` (n, classes)."""
    for image in range(len(scores)):
        _add_up(V, sums, columns, pixels, starts[image], starts[image + 1], scores[image])


@_compiled
def _advance(
    V, b, step, residual, sums, minibatch_loss, columns, pixels, starts, ends, labels,
    learning_rates, batch_size, reg_lambda, is_mean, fit_bias, reach, safe,
):  # fmt: skip
    """Make the updates in V, b and minibatch_loss; return how many were safe to make.

    `starts`, `ends` and `labels` are those of the images in the order in which they are visited.
    """
    number = V.dtype.type
    blocks = uint64(V.shape[1] // LANES)
    scale, largest = 1.0, float(max(np.abs(V).max(), np.abs(b).max()))
    for update, learning_rate in enumerate(learning_rates):
        shrink = 1 - learning_rate * reg_lambda
        largest = largest * max(1, abs(shrink)) + learning_rate * reach
        if not largest < safe:
            V *= number(scale)
            return update
        first = update * batch_size
        length = min(batch_size, len(labels) - first)
        minibatch_loss[update] = 0
        for i in range(length):
            image = first + i
            ahead = min(image + AHEAD, len(labels) - 1)
            _prefetch_list(columns, starts[ahead], ends[ahead])
            _prefetch_list(pixels, starts[ahead], ends[ahead])
            _add_up(V, sums, columns, pixels, starts[image], ends[image], residual[i])
            loss = _residual(residual[i], number(scale), b, labels[image])
            minibatch_loss[update] += loss / length

        scale *= shrink
        if not SMALLEST_SCALE < abs(scale) < LARGEST_SCALE:
            V *= number(scale)
            scale = 1.0
        rate = learning_rate / length if is_mean else learning_rate
        if fit_bias:
            for k in range(len(b)):
                b[k] -= number(rate) * residual[:length, k].sum()
        residual[:length] *= number(-rate / scale)
        target = V if length < SUM_FIRST else step
        for i in range(length):
            image = first + i
            for block in range(blocks):
                for p in range(starts[image], ends[image]):
                    row = columns[p] * blocks + block
                    _add_row(target, row, pixels[p], residual, i * blocks + block)
        if length >= SUM_FIRST:
            _move(V.ravel(), step.ravel())
    V *= number(scale)
    return len(learning_rates)


@_compiled
def _add_up(V, sums, columns, pixels, start, end, product):
    """The product of one image with V, into `product` (classes,), padded or not.

    In two sums that take turns: an addition need not wait for the one before it.
    """
    blocks, one, two = uint64(V.shape[1] // LANES), uint64(1), uint64(2)
    for block in range(blocks):
        even, odd = two * block, two * block + one
        sums[even] = 0
        sums[odd] = 0
        for p in range(start + one, end, two):
            _add_row(sums, even, pixels[p - one], V, columns[p - one] * blocks + block)
            _add_row(sums, odd, pixels[p], V, columns[p] * blocks + block)
        if (end - start) % two == one:
            _add_row(sums, even, pixels[end - one], V, columns[end - one] * blocks + block)
    for k in range(len(product)):
        even = two * uint64(k // LANES)
        product[k] = sums[even, k % LANES] + sums[even + one, k % LANES]


@_compiled
def _move(target, source):
    """Add the source to the target, and leave zeros there."""
    for i in range(len(target)):
        target[i] += source[i]
        source[i] = 0


@_compiled
def _residual(z, scale, b, label):
    """Turn the products z (classes,) into P − Y; return the cross-entropy."""
    largest = z[0] * scale + b[0]
    for k in range(len(b)):
        z[k] = z[k] * scale + b[k]
        largest = max(largest, z[k])
    loss = largest - z[label]
    total = z.dtype.type(0)
    for k in range(len(b)):
        z[k] = math.exp(z[k] - largest)
        total += z[k]
    share = 1 / total
    for k in range(len(b)):
        z[k] *= share
    z[label] -= z.dtype.type(1)
    return loss + math.log(total)


@_compiled
def _prefetch_list(array, start, end):
    for p in range(start, end, uint64(CACHE_LINE // array.itemsize)):
        _prefetch(array, p)


@_compiled
def _list_starts(X):
    """Where the list of each row begins; the last number is where the last one ends."""
    starts = np.zeros(len(X) + 1, np.uint64)
    for i in range(len(X)):
        count = 0
        for j in range(X.shape[1]):
            count += X[i, j] != 0
        starts[i + 1] = starts[i] + uint64(count)
    return starts


def _pixel_lists(X):
    """Columns and values of the pixels that are not 0, row after row, and where each row starts."""
    if X.flags.writeable:
        return _make_lists(X)
    # What cannot change needs its lists only once: the runs of a study share them.
    with _lock:
        if id(X) not in _shared_lists:
            _shared_lists[id(X)] = _make_lists(X)
            weakref.finalize(X, _shared_lists.pop, id(X))
        return _shared_lists[id(X)]


_lock = threading.Lock()
_shared_lists = {}  # by the id of their array, as long as it exists


def _make_lists(X):
    starts = _list_starts(X)
    size, column = int(starts[-1]), np.dtype(np.uint16 if X.shape[1] <= 2**16 else np.uint32)
    # In one piece of memory: pieces this large go back to the system as soon as they are free.
    memory = np.empty(size * (X.itemsize + column.itemsize), np.uint8)
    pixels, columns = memory[: size * X.itemsize], memory[size * X.itemsize :]
    pixels, columns = pixels.view(X.dtype), columns.view(column)
    _fill_lists(X, starts, columns, pixels)
    return starts, columns, pixels


@_compiled
def _fill_lists(X, starts, columns, pixels):
    for i in range(len(X)):
        p = starts[i]
        for j in range(X.shape[1]):
            if X[i, j] != 0:
                columns[p], pixels[p] = j, X[i, j]
                p += uint64(1)


def _padded(W):
    """W with its rows padded to whole registers."""
    num_features, num_classes = W.shape
    V = _aligned_zeros(num_features, -(-num_classes // LANES) * LANES, W.dtype)
    V[:, :num_classes] = W
    return V


def _two_sums(V):
    """Room for two sums of each register of a row of V, next to each other."""
    return _aligned_zeros(2 * V.shape[1] // LANES, LANES, V.dtype)


def _aligned_zeros(num_rows, num_columns, dtype):
    """Zeros whose rows begin at a cache line: a row that lies across two of them costs more."""
    size = num_rows * num_columns * dtype.itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    offset = -memory.ctypes.data % CACHE_LINE
    return memory[offset : offset + size].view(dtype).reshape(num_rows, num_columns)

"""The compiled engine: the updates of the hand-coded one, without its detours.

A pixel that is 0 adds nothing to the logits, and nothing is subtracted from its weights. So an
update runs twice over the other pixels of its minibatch (`helpers.engines.csr`): for the logits,
and to subtract the gradient from the weights.

- The penalty shrinks all weights by the same factor, 1 − learning_rate · λ. Instead of touching
  them all, an update multiplies one number by it, `scale`, with W = scale · V. So does
  scikit-learn's `WeightVector` (sklearn/utils/_weight_vector.pyx.tp), after Bottou's stochastic
  gradient descent "tricks" (2012, doi:10.1007/978-3-642-35289-8_25, section 5.1).
- Numbers that might overflow are left to the hand-coded engine. So both notice divergence at the
  same update, although lists never meet the 0 · ∞ = NaN of a product with all pixels.
- A row of V, the weights of one pixel, is padded with zeros to whole registers of the processor
  (`helpers.engines.compiled`).

There is one thread, and it does not hold the GIL: independent runs may share a process
(`helpers.support.parallel`). What was compiled is kept on disk.
"""

import math

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from helpers import softmax
from helpers.engines import Advance, csr, numpy_engine
from helpers.engines.compiled import LANES, add_row, aligned_zeros, compiled, padded
from helpers.engines.csr import prefetch_row
from helpers.support.arrays import derived

# How many images before its turn one is asked for; without, updates take 1.4 times as long.
AHEAD = 2
# From this batch size on, the contributions of the images are added up before they go into V. Each
# alone would be so small that float32 loses part of it; below, there is little to lose, and to pay.
SUM_FIRST = 16
SMALLEST_SCALE, LARGEST_SCALE = 1e-3, 1e3


def prepare(
    X: NDArray, Y: NDArray, *, batch_size: int, reg_lambda: float, reduction: str, fit_bias: bool
) -> Advance:
    """See `helpers.engines`."""
    advance_by_hand = numpy_engine.prepare(
        X, Y, batch_size=batch_size, reg_lambda=reg_lambda, reduction=reduction, fit_bias=fit_bias
    )
    if batch_size >= 16 and not csr.is_sparse(X):
        return advance_by_hand
    indptr, indices, data, num_features = csr.of(X)
    labels = Y.argmax(axis=1)
    num_classes = Y.shape[1]
    # No weight is moved further than this by the data, at learning rate 1 ...
    largest_pixel = np.maximum(np.maximum(X.max(), -X.min()), 1).astype(float)
    reach = largest_pixel * (batch_size if reduction == "sum" else 1)
    # ... and no number on the way overflows where all weights are smaller than this.
    safe = np.finfo(X.dtype).max / 1e6 / (largest_pixel * num_features)

    def advance(W, b, rows, learning_rates):
        if W.shape != (num_features, num_classes):  # compiled code checks no index
            raise ValueError(f"W is {W.shape}, expected {(num_features, num_classes)}")
        V, b = padded(W), b.copy()
        step = aligned_zeros(*V.shape, V.dtype)
        residual = aligned_zeros(batch_size, V.shape[1], V.dtype)
        minibatch_loss = np.empty(len(learning_rates))
        num_made = _advance(
            V, b, step, residual, _two_sums(V), minibatch_loss, indices, data, indptr[rows],
            indptr[rows + 1], labels[rows], learning_rates, batch_size, float(reg_lambda),
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


def logits(W: NDArray, b: NDArray, X: NDArray) -> NDArray:
    """As `helpers.softmax.logits`, over the CSR of X where it can be kept and is worth it.

    In memory the scores lie class by class: what follows adds up a few long rows faster than many
    short ones.
    """
    if derived(X) is None or len(W) != X.shape[1] or W.dtype != X.dtype or not csr.is_sparse(X):
        return softmax.logits(W, b, X)
    V, scores = padded(W), np.empty((len(X), len(b)), X.dtype, order="F")
    indptr, indices, data, _ = csr.of(X)
    _multiply(V, _two_sums(V), indptr, indices, data, scores)
    scores += b
    return scores


@compiled
def _multiply(V, sums, indptr, indices, data, scores):
    """The products of all images with V, into `scores` (n, classes)."""
    for image in range(len(scores)):
        _add_up(V, sums, indices, data, indptr[image], indptr[image + 1], scores[image])


@compiled
def _advance(
    V, b, step, residual, sums, minibatch_loss, indices, data, starts, ends, labels,
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
            prefetch_row(indices, starts[ahead], ends[ahead])
            prefetch_row(data, starts[ahead], ends[ahead])
            _add_up(V, sums, indices, data, starts[image], ends[image], residual[i])
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
                    row = indices[p] * blocks + block
                    add_row(target, row, data[p], residual, i * blocks + block)
        if length >= SUM_FIRST:
            _move(V.ravel(), step.ravel())
    V *= number(scale)
    return len(learning_rates)


@compiled
def _add_up(V, sums, indices, data, start, end, product):
    """The product of one image with V, into `product` (classes,), padded or not.

    In two sums that take turns: an addition need not wait for the one before it.
    """
    blocks, one, two = uint64(V.shape[1] // LANES), uint64(1), uint64(2)
    for block in range(blocks):
        even, odd = two * block, two * block + one
        sums[even] = 0
        sums[odd] = 0
        for p in range(start + one, end, two):
            add_row(sums, even, data[p - one], V, indices[p - one] * blocks + block)
            add_row(sums, odd, data[p], V, indices[p] * blocks + block)
        if (end - start) % two == one:
            add_row(sums, even, data[end - one], V, indices[end - one] * blocks + block)
    for k in range(len(product)):
        even = two * uint64(k // LANES)
        product[k] = sums[even, k % LANES] + sums[even + one, k % LANES]


def _two_sums(V):
    """Room for the two sums of each register of a row of V, next to each other."""
    return aligned_zeros(2 * V.shape[1] // LANES, LANES, V.dtype)


@compiled
def _move(target, source):
    """Add the source to the target, and leave zeros there."""
    for i in range(len(target)):
        target[i] += source[i]
        source[i] = 0


@compiled
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

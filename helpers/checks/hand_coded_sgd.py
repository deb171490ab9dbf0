"""Q2, minibatch SGD by hand."""

from dataclasses import replace

import numpy as np

from helpers.checks.attempts import CheckFailed, call, name_of, not_attempted
from helpers.checks.diagnosis import (
    Exercise,
    arrays,
    as_tuple,
    called,
    compare,
    fail,
    nothing_returned,
    passed,
)
from helpers.checks.display import advise
from helpers.checks.mistakes import hand_coded_sgd as mistakes


def softmax(function):
    """Check `function(logits)`, which returns the class probabilities (n, classes)."""
    compare(function, SOFTMAX)
    passed(function)


def loss(function):
    """Check `function(W, b, X, Y, reg_lambda)`, which returns the loss."""
    compare(function, LOSS)
    passed(function)


def gradient(function):
    """Check `function(W, b, X, Y, reg_lambda)`, which returns (dW, db)."""

    def run(*case):
        returned = called(function, case)
        parts = as_tuple(returned)
        if all(each is None for each in parts):
            not_attempted(name_of(function))
        if not isinstance(returned, dict) and (len(parts) == 1 or parts[1] is None):
            shown = {"expected": "(dW, db)", "got dW": parts[0], "got db": None}
            fail(function, mistakes.NO_DB, shown)
        return arrays(function, returned, ["dW", "db"])

    compare(function, GRADIENT, run)
    passed(function)


def sgd_step(function):
    """Check `function(W, b, X, Y, learning_rate, reg_lambda)`, which returns the new (W, b)."""
    compare(function, SGD_STEP)
    passed(function)


def minibatches(function):
    """Check `function(num_examples, batch_size, rng)`, which yields the row numbers of an epoch."""
    sizes = [(7, 3), (6, 3), (50, 8)]
    epochs = [_epoch(function, *size, seed=0) for size in sizes]
    for check in _check_no_repetition, _check_each_once:
        for size, batches in zip(sizes, epochs, strict=True):
            check(function, *size, batches)
    # More examples in a minibatch than there are: with other mistakes this ends in an error.
    _check_each_once(function, 3, 5, _epoch(function, 3, 5, seed=0))
    first, second = (_epoch(function, 50, 8, seed) for seed in (0, 1))
    order, again = _rows(first), _rows(second)
    if (order == np.arange(50)).all():
        fail(function, mistakes.NO_RESHUFFLING, {"got for 50 examples": order})
    if (order == again).all():
        shown = {"got in the first epoch": order, "got in the second epoch": again}
        fail(function, mistakes.SAME_PERMUTATION, shown)
    passed(function)
    if (order != _rows(_epoch(function, 50, 8, seed=0))).any():
        advise(f"{name_of(function)} does not draw its order from rng: runs cannot be repeated.")
    if {*map(frozenset, first)} == {*map(frozenset, second)}:
        advise(
            f"{name_of(function)} gives minibatches of the same examples in every epoch: shuffle "
            "the examples, not only the minibatches."
        )


def examples():
    """Arguments of the loss, from one example of two pixels on."""
    rng = np.random.default_rng(0)
    W, b = np.zeros((2, 2)), np.zeros(2)
    X, Y = np.array([[1.0, 0.5], [0.0, 1.0]]), np.eye(2)
    W_small, b_small = np.array([[2.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.0])
    W_large, b_large, X_large = rng.normal(size=(4, 3)), rng.normal(size=3), rng.random((5, 4))
    Y_large = np.eye(3)[[0, 2, 1, 1, 0]]
    larger = [W_large, b_large, X_large, Y_large]
    return [
        [W, b, X[:1], Y[:1], 0.0],
        [W, b, X, Y, 0.0],
        [W_small, b_small, X[:1], Y[:1], 0.1],
        [W_small, b_small, X, Y, 0.1],
        [*larger, 0.0],
        [W_large, 0 * b_large, X_large, Y_large, 0.1],
        [W_large, b_large, X_large[1:2], Y_large[1:2], 0.1],
        [*larger, 0.1],
        [*(each.astype(np.float32) for each in larger), 0.1],
    ]


def extreme_examples():
    """Arguments of the loss with large logits, in several rows that share no maximum."""
    b, X, Y = np.zeros(2), np.eye(3, 2), np.eye(2)[[0, 1, 0]]
    return [
        # Exponentials overflow, but no probability is rounded to 0.
        [np.array([[1000.0, 999.5], [1000.0, 1001.0]]), b, X[:2], Y[:2], 0.0],
        # The same, and no row can do with the maximum of another.
        [np.array([[1000.0, 999.5], [-1000.0, -999.0]]), b, X, Y, 0.0],
        # Nothing overflows, but the right class of the first row has the probability exp(-800).
        [np.array([[-800.0, 0.0], [0.0, 1.0]]), b, X, Y, 0.0],
    ]


def with_rates(cases):
    """Arguments of a step from those of the loss."""
    rates = [0.5, 0.25, 0.2, 0.3, 0.4, 0.15, 0.35, 0.1, 0.1]
    return [[*case[:4], rate, case[4]] for case, rate in zip(cases, rates, strict=False)]


PARTS = (
    ("where λ = 0", lambda W, b, X, Y, *rest: rest[-1] == 0 and W.any(), "penalty wrong"),
    ("where b = 0", lambda W, b, *rest: not b.any() and W.any(), "b used wrongly"),
    (
        "with a single example",
        lambda W, b, X, *rest: len(X) == 1 and W.any(),
        "wrong with several examples",
    ),
)
SOFTMAX = Exercise(
    arguments=("logits",),
    results=("probabilities",),
    formula=mistakes.softmax_formula,
    cases=[
        [np.array([[0.0, 0.0]])],
        [np.array([[0.0, np.log(2)], [0.0, 0.0]])],
        [np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]])],
    ],
    extremes=[
        [np.array([[1000.0, 0.0]])],
        [np.array([[800.0, 600.0]])],
        [np.array([[1000.0, -1000.0]])],
        [np.array([[0.0, 0.0], [-1000.0, -1001.0], [1000.0, 1001.0]])],
    ],
    mistakes=mistakes.SOFTMAX,
)
LOSS = Exercise(
    arguments=("W", "b", "X", "Y", "reg_lambda"),
    results=("loss",),
    formula=mistakes.loss_formula,
    cases=examples(),
    extremes=extreme_examples(),
    mistakes=mistakes.LOSS,
    parts=PARTS,
)
GRADIENT = replace(
    LOSS, results=("dW", "db"), formula=mistakes.gradient_formula, mistakes=mistakes.GRADIENT
)
SGD_STEP = replace(
    LOSS,
    arguments=("W", "b", "X", "Y", "learning_rate", "reg_lambda"),
    results=("W", "b"),
    formula=mistakes.step_formula,
    cases=with_rates(LOSS.cases),
    extremes=with_rates(LOSS.extremes),
    mistakes=mistakes.SGD_STEP,
)


def _rows(batches):
    """The row numbers of an epoch in one array."""
    return np.concatenate([np.empty(0, int), *batches])


def _check_no_repetition(function, num_examples, batch_size, batches):
    seen = _rows(batches)
    if len({*seen}) < len(seen):
        fail(function, mistakes.WITH_REPLACEMENT, _shown(num_examples, batch_size, batches))


def _check_each_once(function, num_examples, batch_size, batches):
    _check_no_repetition(function, num_examples, batch_size, batches)
    seen, shown = _rows(batches), _shown(num_examples, batch_size, batches)
    full, rest = divmod(num_examples, batch_size)
    if rest and len(seen) == full * batch_size:
        fail(function, mistakes.LAST_DROPPED, shown)
    each_once = {"expected": f"each of 0 to {num_examples - 1} once"}
    if {*seen} == {*range(1, num_examples + 1)}:
        fail(function, mistakes.COUNTED_FROM_ONE, shown | each_once)
    sizes = sorted(map(len, batches), reverse=True)
    expected = [batch_size] * full + [rest] * (rest > 0)
    if {*seen} != {*range(num_examples)}:
        fail(function, None, shown | each_once)
    if sizes != expected:
        shown |= {"expected sizes": expected, "got sizes": sizes}
        fail(function, mistakes.OTHER_SIZES, shown)


def _shown(num_examples, batch_size, batches):
    got = ", ".join(map(str, batches))
    return {"num_examples": num_examples, "batch_size": batch_size, "got": got}


def _epoch(function, num_examples, batch_size, seed):
    """The minibatches that a function yields, as arrays of integers."""
    rng = np.random.default_rng(seed)
    returned = call(function, num_examples, batch_size, rng, listed=True)
    if returned is None:
        nothing_returned(function, "return` them, or `yield")
    unfit = {"expected": "arrays of row numbers", "got": returned}
    try:
        batches = [np.asarray(batch) for batch in returned]
    except Exception:  # whatever it is that was returned
        fail(function, None, unfit)
    if len(batches) > 2 * num_examples:
        raise CheckFailed(
            f"{name_of(function)} did not finish: it yields minibatches without end, expected "
            "those of one epoch.",
            "did not finish",
        )
    if batches and all(each.ndim == 0 and each.dtype.kind in "iu" for each in batches):
        fail(function, mistakes.ONE_AT_A_TIME, unfit)
    if all(each.ndim == 1 and each.dtype.kind == "f" for each in batches) and batches:
        fail(function, mistakes.NO_INTEGERS, unfit)
    if not all(each.ndim == 1 and (each.dtype.kind in "iu" or not each.size) for each in batches):
        fail(function, None, unfit)
    return batches

"""Q2, minibatch SGD by hand."""

import numpy as np

from helpers import softmax as twins
from helpers.checks import mistakes
from helpers.checks.attempts import CheckFailed, call, name_of, not_attempted
from helpers.checks.diagnosis import (
    arrays,
    as_tuple,
    called,
    compare,
    fail,
    nothing_returned,
    passed,
)
from helpers.checks.display import advise

OF_LOSS = ["W", "b", "X", "Y", "reg_lambda"]
OF_STEP = ["W", "b", "X", "Y", "learning_rate", "reg_lambda"]


def softmax(function):
    """Check `function(logits)`, which returns the class probabilities (n, classes)."""
    cases = [
        [np.array([[0.0, 0.0]])],
        [np.array([[np.log(2), 0.0], [0.0, 0.0]])],
        [np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]])],
    ]
    large = [
        [np.array([[1000.0, 0.0]])],
        [np.array([[800.0, 600.0]])],
        [np.array([[1000.0, -1000.0]])],
        [np.array([[0.0, 0.0], [-1000.0, -1000.0]])],
    ]
    compare(
        function, ["logits"], ["probabilities"], twins.softmax, cases, mistakes.SOFTMAX,
        extreme=large, otherwise=mistakes.MAXIMUM,
    )  # fmt: skip
    passed(function)


def loss(function):
    """Check `function(W, b, X, Y, reg_lambda)`, which returns the loss."""
    compare(
        function, OF_LOSS, ["loss"], twins.loss, examples(), mistakes.LOSS,
        extreme=[confident_example()], otherwise=mistakes.LOG_OF_ZERO,
    )  # fmt: skip
    passed(function)


def gradient(function):
    """Check `function(W, b, X, Y, reg_lambda)`, which returns (dW, db)."""

    def run(*case):
        returned = as_tuple(called(function, case))
        if all(each is None for each in returned):
            not_attempted(name_of(function))
        if len(returned) == 1 or (len(returned) == 2 and returned[1] is None):
            fail(function, mistakes.NO_DB, {"expected": "(dW, db)", "got db": None})
        return arrays(function, returned, ["dW", "db"])

    compare(
        function, OF_LOSS, ["dW", "db"], twins.gradient, examples(), mistakes.GRADIENT,
        extreme=[confident_example()], otherwise=mistakes.MAXIMUM, run=run,
    )  # fmt: skip
    passed(function)


def minibatches(function):
    """Check `function(num_examples, batch_size, rng)`, which yields the row numbers of an epoch."""
    sizes = [(7, 3), (6, 3), (3, 5), (50, 8)]
    epochs = [_epoch(function, *size, np.random.default_rng(0)) for size in sizes]
    for check in _check_no_repetition, _check_each_once:
        for size, batches in zip(sizes, epochs, strict=True):
            check(function, *size, batches)
    order = _rows(epochs[-1])
    if (order == np.arange(50)).all():
        fail(function, mistakes.NO_RESHUFFLING, {"got for 50 examples": order})
    first, second = (_epoch(function, 50, 8, np.random.default_rng(seed)) for seed in (0, 1))
    again = _rows(first)
    if (again == _rows(second)).all():
        shown = {"got in the first epoch": again, "got in the second epoch": again}
        fail(function, mistakes.SAME_PERMUTATION, shown)
    passed(function)
    if (order != again).any():
        advise(f"{name_of(function)} does not draw its order from rng: runs cannot be repeated.")
    if {*map(frozenset, first)} == {*map(frozenset, second)}:
        advise(
            f"{name_of(function)} gives minibatches of the same examples in every epoch: shuffle "
            "the examples, not only the minibatches."
        )


def sgd_step(function):
    """Check `function(W, b, X, Y, learning_rate, reg_lambda)`, which returns the new (W, b)."""
    *confident, reg_lambda = confident_example()
    compare(
        function, OF_STEP, ["W", "b"], twin_step, step_examples(), mistakes.SGD_STEP,
        extreme=[[*confident, 0.1, reg_lambda]], otherwise=mistakes.MAXIMUM,
    )  # fmt: skip
    passed(function)


def examples():
    """Arguments of the loss, from one example of two pixels on."""
    rng = np.random.default_rng(0)
    W, b = np.zeros((2, 2)), np.zeros(2)
    X, Y = np.array([[1.0, 0.5], [0.0, 1.0]]), np.eye(2)
    cases = [
        [W, b, X[:1], Y[:1], 0.0],
        [W, b, X, Y, 0.0],
        [np.array([[2.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.0]), X[:1], Y[:1], 0.1],
        [np.array([[2.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.0]), X, Y, 0.1],
        [
            rng.normal(size=(4, 3)),
            rng.normal(size=3),
            rng.random((5, 4)),
            np.eye(3)[[0, 2, 1, 1, 0]],
            0.1,
        ],
    ]
    *arrays, reg_lambda = cases[-1]
    return [*cases, [*(each.astype(np.float32) for each in arrays), reg_lambda]]


def confident_example():
    """Arguments of the loss for which the right class has the probability exp(-800)."""
    W = np.array([[800.0, 0.0], [0.0, 0.0]])
    return [W, np.zeros(2), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.0]


def step_examples():
    """Arguments of a step."""
    rates = [0.5, 0.25, 0.2, 0.3, 0.1, 0.1]
    return [
        [*arrays, learning_rate, reg_lambda]
        for (*arrays, reg_lambda), learning_rate in zip(examples(), rates, strict=True)
    ]


def twin_step(W, b, X, Y, learning_rate, reg_lambda):
    """The tested twin of a step."""
    dW, db = twins.gradient(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


def _rows(batches):
    """The row numbers of an epoch in one array."""
    return np.concatenate([np.empty(0, int), *batches])


def _check_no_repetition(function, num_examples, batch_size, batches):
    seen = _rows(batches)
    if len({*seen}) < len(seen):
        fail(function, mistakes.WITH_REPLACEMENT, _shown(num_examples, batch_size, batches))


def _check_each_once(function, num_examples, batch_size, batches):
    seen, shown = _rows(batches), _shown(num_examples, batch_size, batches)
    full, rest = divmod(num_examples, batch_size)
    if rest and len(seen) == full * batch_size:
        fail(function, mistakes.LAST_DROPPED, shown)
    sizes = sorted(map(len, batches), reverse=True)
    expected = [batch_size] * full + [rest] * (rest > 0)
    if {*seen} != {*range(num_examples)} or sizes != expected:
        shown |= {
            "expected": f"each of 0 to {num_examples - 1} once, in minibatches of {batch_size}"
        }
        fail(function, None, shown)


def _shown(num_examples, batch_size, batches):
    got = ", ".join(map(str, batches))
    return {"num_examples": num_examples, "batch_size": batch_size, "got": got}


def _epoch(function, num_examples, batch_size, rng):
    """The minibatches that a function yields, as arrays of integers."""
    returned = call(function, num_examples, batch_size, rng, listed=True)
    if returned is None:
        nothing_returned(function)
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
    if not all(each.ndim == 1 and (each.dtype.kind in "iu" or not each.size) for each in batches):
        fail(function, None, unfit)
    return batches

"""What no answer can be tuned to: random sizes, several rows, λ and b not zero, large logits.

A second line behind the checks, for graders only: students are not given this folder. There is one
function for each exercise with code. It takes the student's function, or a stand-in for it, and
raises AssertionError if a result is not that of the twin; it shows no numbers, as feedback is read.

A hidden region of a notebook holds two lines, here for `my_softmax`:

    ### BEGIN HIDDEN TESTS
    from grading import hidden_tests

    hidden_tests.softmax(my_softmax)
    ### END HIDDEN TESTS
"""

import numpy as np
import pandas as pd

from helpers import sgd
from helpers import softmax as twins
from helpers.checks.attempts import call
from helpers.checks.batch_size_study import by_a_clock, timed
from helpers.checks.data_preparation import torchvision_data_set
from helpers.checks.tensorflow_comparison import on_arrays
from helpers.data import MNIST

SEED = 2026  # the same for everybody, and for a regrade
ROUNDS = 3
LARGE = 1000.0  # logits whose exponentials overflow


def preprocess_data(function):
    for rng in _generators():
        n = int(rng.integers(15, 40))
        images = rng.integers(256, size=(n, 28, 28)).astype(np.uint8)
        labels = rng.permutation(np.arange(n) % 10)
        data = torchvision_data_set(images, labels)
        X, Y = call(function, data)
        if not (np.array_equal(data.data, images) and np.array_equal(data.targets, labels)):
            raise AssertionError("the data set is changed")
        _equal(f"X of {n} images", X, images.reshape(n, -1) / 255)
        _equal(f"Y of {n} labels", Y, np.eye(10)[labels])


def softmax(function):
    for rng in _generators():
        logits = rng.normal(size=rng.integers(3, 9, size=2), scale=3)
        _equal("probabilities", _called(function, logits), twins.softmax(logits))
        large = logits + LARGE * rng.normal(size=(len(logits), 1))  # rows of unlike size
        _equal("probabilities of large logits", _called(function, large), twins.softmax(large))
        wide = LARGE * logits
        _equal("probabilities of large logits", _called(function, wide), twins.softmax(wide))


def loss(function):
    for what, arguments in _problems():
        _equal(f"loss {what}", _called(function, *arguments), twins.loss(*arguments))


def gradient(function):
    for what, arguments in _problems():
        _pair(("dW", "db"), what, _called(function, *arguments), twins.gradient(*arguments))


def sgd_step(function):
    for what, arguments in _problems(with_rate=True):
        _pair(("W", "b"), what, _called(function, *arguments), sgd.sgd_step(*arguments))


def minibatches(function):
    for rng in _generators():
        B = int(rng.integers(5, 12))
        for n in (int(rng.integers(60, 200)), 7 * B, B - 2):
            epochs = []
            for epoch_seed in 0, 1:
                order = np.random.default_rng(epoch_seed)
                batches = [np.asarray(each) for each in call(function, n, B, order, listed=True)]
                if not all(each.dtype.kind in "iu" for each in batches):
                    raise AssertionError("the row numbers are no integers")
                sizes = [B] * (n // B) + [n % B] * (n % B > 0)
                if sorted(map(len, batches), reverse=True) != sizes:
                    raise AssertionError(
                        f"the minibatches of {n} examples, B = {B}, have other sizes"
                    )
                epochs.append(np.concatenate(batches))
                if not np.array_equal(np.sort(epochs[-1]), np.arange(n)):
                    raise AssertionError(
                        f"an epoch of {n} examples does not have each of them once"
                    )
            for epoch in epochs if n > B else []:
                if np.array_equal(epoch, np.arange(n)):
                    raise AssertionError(f"the {n} examples of an epoch are not shuffled")
            if n > B and np.array_equal(*epochs):
                raise AssertionError(f"{n} examples come in the same order with another generator")


def best_rates(function):
    for rng in _generators():
        sizes = rng.choice(np.arange(2, 500), size=4, replace=False)
        rates, seeds = 10.0 ** rng.uniform(-3, 1, size=5), np.arange(3)
        index = pd.MultiIndex.from_product(
            [sizes, rates, seeds], names=["batch_size", "learning_rate", "seed"]
        )
        rows = pd.DataFrame(index=index).reset_index()
        for column in "validation_loss", "test_loss", "test_accuracy":
            rows[column] = rng.random(len(rows))
        # The lowest loss of all, in a run whose rate diverges with another seed.
        rows.loc[rows["seed"] > 0, "validation_loss"] += 1
        diverged = rows.groupby("batch_size")["validation_loss"].idxmin()
        rows.loc[diverged + 1, "validation_loss"] = np.inf
        # Not all rates have three seeds.
        rows = rows.drop(rows.index[rows["seed"] == 2][::2])
        rows = rows.sample(frac=1, random_state=int(rng.integers(1000)), ignore_index=True)
        means = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
        expected = means.groupby("batch_size").idxmin().str[1].to_dict()
        found = {int(B): float(rate) for B, rate in call(function, rows.copy()).items()}
        if found.keys() != expected.keys():
            raise AssertionError("the batch sizes are not those of the table")
        _equal("rates", [found[B] for B in expected], [*expected.values()])


def training_run(function):
    for number, rng in enumerate(_generators()):
        n, features, classes = rng.integers(8, 15), *rng.integers(3, 7, size=2)
        arrays = []
        for size in n, n + 3:
            arrays.append(rng.random((size, features)).astype(np.float32))
            arrays.append(np.eye(classes, dtype=np.float32)[rng.integers(classes, size=size)])
        data = MNIST(*arrays)
        batches = [rng.choice(n, size=rng.integers(1, 5), replace=False) for _ in range(9)]
        checkpoints = {int(each) for each in rng.choice(np.arange(1, 9), size=3, replace=False)}
        if number % 2:  # as in the notebook, where no update comes after the last checkpoint
            batches = batches[: max(checkpoints)]

        step, step_seconds = timed(lambda W, b, X, Y: sgd.sgd_step(W, b, X, Y, 0.5, 0.01), 0.002)
        (loss, of_loss), (accuracy, of_accuracy) = (
            timed(twins.loss, 0.05),
            timed(twins.accuracy, 0.05),
        )
        given = (data, iter(batches), step, loss, accuracy, set(checkpoints))
        found = pd.DataFrame(call(function, *given)).astype(float)
        W, b, expected = np.zeros((features, classes), "f"), np.zeros(classes, "f"), []
        for iteration, batch in enumerate(batches, start=1):
            W, b = sgd.sgd_step(W, b, data.X_train[batch], data.Y_train[batch], 0.5, 0.01)
            if iteration in checkpoints:
                measured = twins.loss(W, b, *data[:2]), twins.accuracy(W, b, *data[2:])
                expected.append((iteration, *measured))
        found = found[found["iteration"] > 0]
        _equal("rows", found[["iteration", "train_loss", "test_accuracy"]], expected)
        seconds = found["seconds"].to_numpy()
        took = np.cumsum(step_seconds, axis=0)[np.array(sorted(checkpoints)) - 1]
        # The evaluations after the last row come too late to be counted.
        most = sum(wall for wall, _ in step_seconds)
        most += sum(wall for wall, _ in of_loss + of_accuracy) / 4
        increase = (np.diff(seconds, prepend=0) > 0).all()
        if not (increase and by_a_clock(seconds, took) and seconds[-1] < most):
            raise AssertionError("the seconds do not add up the time of the updates")


def tensorflow_step(function):
    run = on_arrays(function)
    # One size for all: an optimizer made outside works for one pair of variables alone.
    size = np.random.default_rng(SEED).integers(3, 9, size=3)
    for what, (W, b, X, Y, *rest) in _problems(with_rate=True, sizes=[size] * ROUNDS):
        W_after, b_after, returned = run(W, b, X, Y, *rest)
        _pair(("W", "b"), what, (W_after, b_after), sgd.sgd_step(W, b, X, Y, *rest), rtol=1e-3)
        _equal(f"loss {what}", returned, twins.loss(W, b, X, Y), rtol=1e-3)


def effective_rate(value):
    _equal("effective rate", value, 5)


def _generators():
    return np.random.default_rng(SEED).spawn(ROUNDS)


def _problems(*, with_rate=False, sizes=None):
    """Arguments of the loss, or of a step, with what is special about them."""
    for number, rng in enumerate(_generators()):
        n, features, classes = sizes[number] if sizes else rng.integers(3, 9, size=3)
        W, b = rng.normal(size=(features, classes)), rng.normal(size=classes)
        X, Y = rng.random((n, features)), np.eye(classes)[rng.integers(classes, size=n)]
        rest = [float(rng.uniform(0.05, 0.4)) for _ in range(1 + with_rate)]
        yield f"of {n} examples", [W, b, X, Y, *rest]
        yield f"of {n} examples in float32", [*(each.astype("f") for each in (W, b, X, Y)), *rest]
        # Rows of logits of very unlike size, none of which goes well with the maximum of another.
        far = LARGE * rng.normal(size=(n, 1)) * np.ones(features)
        yield f"of {n} examples with large logits", [W, b, far, Y, *rest]


def _called(function, *arguments):
    given = [each.copy() if isinstance(each, np.ndarray) else each for each in arguments]
    result = call(function, *given)
    if not all(map(np.array_equal, arguments, given)):
        raise AssertionError("the arrays that are given are changed")
    return result


def _pair(names, what, found, expected, **tolerance):
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise AssertionError(f"expected {names[0]} and {names[1]}")
    for name, was, should in zip(names, found, expected, strict=True):
        _equal(f"{name} {what}", was, should, **tolerance)


def _equal(what, found, expected, rtol=1e-4):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if expected.ndim == 1:
        found = found.reshape(-1) if found.shape == (1, len(expected)) else found
    scale = max(1.0, np.abs(expected).max(initial=0))
    if found.shape != expected.shape or not np.allclose(found, expected, rtol, 1e-5 * scale):
        raise AssertionError(f"{what}: not as expected")

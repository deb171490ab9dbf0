"""Minibatch SGD: one driver for all engines.

The driver owns what must be equal for a comparison to be fair: the order of the minibatches, the
checkpoints, the clock, the stopping at divergence. An engine (`helpers.engines`) only makes
updates.
"""

import contextlib
import time
import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from helpers.engines import ENGINES, Engine, load_engine, load_logits
from helpers.softmax import accuracy, check_shapes, gradient, loss
from helpers.support import arguments
from helpers.support.arrays import read_only
from helpers.support.progress import progress_bar
from helpers.support.threads import one_blas_thread

# Updates an engine makes in one go: few enough that Ctrl-C and the progress bar wait no longer than
# a second, many enough that the calls cost nothing.
LONGEST_STRETCH = 1000


@dataclass(frozen=True)
class History:
    """What a run of `train_classifier` left behind.

    Attributes
    ----------
    W : array (features, classes)
    b : array (classes,)
        The parameters at the last checkpoint.
    iteration : int array (checkpoints,)
        Number of updates made when the checkpoint was taken; the first is 0.
    train_loss : float array (checkpoints,)
        Mean cross-entropy of the whole training set + (λ/2)‖W‖².
    test_loss : float array (checkpoints,) or None
        Mean cross-entropy of the test set, without penalty; None without a test set.
    test_accuracy : float array (checkpoints,) or None
        Fractions; None without a test set.
    seconds : float array (checkpoints,)
        Time spent in updates until then; evaluation is outside the clock.
    minibatch_loss : float array (updates,)
        Mean cross-entropy of each minibatch without penalty, before its update.
    W_checkpoints : array (checkpoints, features, classes)
    b_checkpoints : array (checkpoints, classes)
        The parameters at each checkpoint.
    stopped : str
        "" for a run that reached its end, else "diverged" or "interrupted".
    message : str
        For people: the same as a sentence, with iteration, learning rate and batch size.
    """

    W: np.ndarray
    b: np.ndarray
    iteration: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray | None
    test_accuracy: np.ndarray | None
    seconds: np.ndarray
    minibatch_loss: np.ndarray
    W_checkpoints: np.ndarray
    b_checkpoints: np.ndarray
    stopped: str
    message: str


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C, or ■ in a notebook, ended a training; `.history` holds what was reached."""

    def __init__(self, history):
        super().__init__(history)
        self.history = history

    def __str__(self):
        return self.history.message

    def _render_traceback_(self):  # what a notebook shows
        return [f"{self}. What was reached: import sys; history = sys.last_value.history"]


class Stretch(NamedTuple):
    """What the updates since the last stretch reached."""

    iteration: int  # updates made since the start
    W: np.ndarray
    b: np.ndarray
    seconds: float  # spent in updates since the start
    minibatch_loss: np.ndarray  # of the updates of this stretch


def minibatches(num_examples, batch_size, rng=None, *, replace=False):
    """The minibatches of one epoch: every example once, in a fresh order.

    Parameters
    ----------
    num_examples, batch_size : int
    rng : numpy.random.Generator, optional
        Draws the order; without it the examples come in the order of the file.
    replace : bool
        Draw every example on its own, with replacement, as the theory of SGD assumes: then an epoch
        has some examples twice and others not at all.

    Yields
    ------
    int array (batch_size,)
        Row numbers; the last array is shorter if `batch_size` does not divide `num_examples`.
    """
    order = _epoch_order(num_examples, rng, replace)
    for start in range(0, num_examples, batch_size):
        yield order[start : start + batch_size]


def sgd_step(W, b, X, Y, learning_rate, reg_lambda):
    """One update from the mean gradient of a minibatch, as in the textbook.

    The engines do the same faster; this one is the reference version of what students write.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (B, features)
    Y : array (B, classes), one-hot
    learning_rate, reg_lambda : float

    Returns
    -------
    W, b : arrays
        New ones; the arguments stay as they are.

    Raises
    ------
    ValueError
        Shapes that do not fit together, or integer pixels.
    """
    dW, db = gradient(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


def train_classifier(
    X_train,
    Y_train,
    *,
    batch_size,
    learning_rate,
    num_epochs=None,
    num_iterations=None,
    reg_lambda=1e-4,
    X_test=None,
    Y_test=None,
    engine: Engine = "numpy",
    reduction: Literal["mean", "sum"] = "mean",
    shuffle=True,
    replace=False,
    fit_bias=True,
    initial=None,
    seed=0,
    checkpoints=None,
    progress=False,
):
    """Train a softmax regression by minibatch SGD.

    One update on a minibatch of B examples, with P the predicted probabilities:
    W ← W − learning_rate · (Xᵀ(P − Y)/B + λW), b ← b − learning_rate · Σᵢ(P − Y)ᵢ/B.
    With `reduction="sum"` the division by B is left out.

    Parameters
    ----------
    X_train : float array (n, features)
    Y_train : array (n, classes), one-hot
    batch_size : int
        B, from 1 to n. The last minibatch of an epoch may be shorter.
    learning_rate : float or function
        A positive number, or a function that gives one for each iteration 0, 1, …
    num_epochs, num_iterations : int
        How long to train, in passes over the training set or in updates; exactly one of the two.
    reg_lambda : float
        λ ≥ 0, the weight of the penalty (λ/2)‖W‖².
    X_test, Y_test : arrays like the training set, optional
        For the test loss and accuracy at the checkpoints.
    engine : "numpy", "numba", "torch" or "tensorflow"
        Who makes the updates.
    reduction : "mean" or "sum"
        Whether the data gradient of a minibatch is averaged or summed.
    shuffle : bool
        A fresh order of the examples in each epoch, or the order of the file.
    replace : bool
        Draw the rows of every minibatch with replacement; needs `shuffle`.
    fit_bias : bool
        If False, b stays as it was at the start.
    initial : (W, b), optional
        Start; zeros if not given. Both in the end have the dtype of `X_train`.
    seed : int
        Of the generator that draws the orders; the same for every engine.
    checkpoints : iterable of int, optional
        Iterations at which to evaluate, besides 0 and the last one; the end of every epoch if not
        given.
    progress : bool
        Show a progress bar on runs longer than a few seconds.

    Returns
    -------
    History
        Also of a run that diverged (a loss or a weight is not finite): what was reached is in it, a
        RuntimeWarning says why it stopped, and so do `.stopped` and `.message`.

    Raises
    ------
    ValueError
        An argument that makes no sense; the message says what was given and what was expected.
    TrainingInterrupted
        Ctrl-C, or ■ in a notebook; its `.history` holds what was reached.
    """
    X_train, Y_train = _check_examples(X_train, Y_train, "train")
    if X_test is not None or Y_test is not None:
        X_test, Y_test = _check_examples(X_test, Y_test, "test")
    num_examples = len(X_train)
    # Python's own numbers from here on: NumPy's small integers would wrap.
    batch_size = arguments.integer(
        "batch_size", batch_size, 1, num_examples, "the number of training examples"
    )
    if not callable(learning_rate):
        learning_rate = arguments.positive(
            "learning_rate", learning_rate, X_train.dtype, "or a function of the iteration"
        )
    reg_lambda = arguments.not_negative("reg_lambda", reg_lambda, X_train.dtype)
    engine = arguments.one_of("engine", engine, ENGINES)
    reduction = arguments.one_of("reduction", reduction, ("mean", "sum"))
    shuffle, replace, fit_bias, progress = (
        arguments.flag(name, value)
        for name, value in [
            ("shuffle", shuffle),
            ("replace", replace),
            ("fit_bias", fit_bias),
            ("progress", progress),
        ]
    )
    if replace and not shuffle:
        raise ValueError(
            "replace is True and shuffle is False, expected shuffle=True: without it nothing is "
            "drawn"
        )
    seed = arguments.integer("seed", seed, 0)
    num_iterations = _number_of_iterations(num_epochs, num_iterations, num_examples, batch_size)
    checkpoints = _checkpoints(checkpoints, num_iterations, num_examples, batch_size)
    W, b = _start(initial, X_train, Y_train)
    logits = load_logits(engine)
    stretches = updates(
        X_train,
        Y_train,
        batch_size=batch_size,
        learning_rate=learning_rate,
        checkpoints=checkpoints,
        reg_lambda=reg_lambda,
        engine=engine,
        reduction=reduction,
        shuffle=shuffle,
        replace=replace,
        fit_bias=fit_bias,
        initial=(W, b),
        seed=seed,
    )

    reached, stopped, message = (0, W, b, 0.0), "", ""
    records, minibatch_loss, num_made = [], np.empty(num_iterations), 0

    def record(iteration, W, b, seconds):
        train_loss = loss(W, b, X_train, Y_train, reg_lambda, logits=logits)
        if not (np.isfinite(train_loss) and np.isfinite(W).all() and np.isfinite(b).all()):
            raise FloatingPointError
        test_loss = test_accuracy = None
        if X_test is not None:
            test_loss = loss(W, b, X_test, Y_test, logits=logits)
            test_accuracy = accuracy(W, b, X_test, Y_test, logits=logits)
        records.append((W, b, iteration, train_loss, test_loss, test_accuracy, seconds))

    with (
        _divergence_without_warnings(),
        one_blas_thread(),
        progress_bar(num_iterations, "Training", "iteration", wanted=progress) as bar,
    ):
        try:
            record(*reached)
            for *reached, losses in stretches:
                minibatch_loss[num_made : num_made + len(losses)] = losses
                num_made += len(losses)
                bar.update(len(losses))
                if reached[0] in checkpoints:
                    record(*reached)
        except FloatingPointError:
            stopped = "diverged"
            message = f"diverged at iteration {reached[0]}: a loss or a weight is not finite"
        except KeyboardInterrupt:
            stopped = "interrupted"
            message = f"was interrupted at iteration {reached[0]}"
            if not records or records[-1][2] != reached[0]:
                with contextlib.suppress(FloatingPointError):
                    record(*reached)
    if stopped:
        rate = _rates(learning_rate, max(reached[0] - 1, 0), 1, float)[0]  # of the last update
        message = f"SGD {message} (learning rate {rate:g}, batch size {batch_size})"
        if not records:
            raise ValueError(
                f"{message}: X_train, Y_train or initial hold numbers that are not finite"
            )
    history = _history(records, minibatch_loss[:num_made].copy(), stopped, message)
    if stopped == "interrupted":
        raise TrainingInterrupted(history)
    if stopped:
        warnings.warn(
            f"{message}. The history holds what was reached until then.",
            RuntimeWarning,
            stacklevel=2,
        )
    return history


def updates(
    X,
    Y,
    *,
    batch_size,
    learning_rate,
    checkpoints,
    reg_lambda=1e-4,
    engine: Engine = "numpy",
    reduction="mean",
    shuffle=True,
    replace=False,
    fit_bias=True,
    initial=None,
    seed=0,
):
    """The bare run inside `train_classifier`: updates up to the last checkpoint, no evaluation.

    For those who want to look at the parameters on the way, or to stop early.

    Parameters
    ----------
    checkpoints : iterable of int
        Iterations at which a stretch must end. One also ends with every epoch, and after
        `LONGEST_STRETCH` updates.
    X, Y and the others
        As for `train_classifier`. They are not checked.

    Yields
    ------
    Stretch

    Raises
    ------
    FloatingPointError
        After an iteration was handed over whose minibatch loss is not finite.
    """
    W, b = _start(initial, X, Y)
    advance = load_engine(engine)(
        X,
        Y,
        batch_size=batch_size,
        reg_lambda=reg_lambda,
        reduction=reduction,
        fit_bias=fit_bias,
    )
    rng = np.random.default_rng(seed) if shuffle else None
    iteration, seconds = 0, 0.0
    for rows, num_updates in _stretches(len(X), batch_size, checkpoints, rng, replace):
        rates = _rates(learning_rate, iteration, num_updates, X.dtype)
        with _divergence_without_warnings():
            started = time.perf_counter()
            W, b, losses = advance(W, b, rows, rates)
            seconds += time.perf_counter() - started
        finite = np.isfinite(losses)
        num_made = num_updates if finite.all() else int(finite.argmin())
        iteration += num_made
        yield Stretch(iteration, W, b, seconds, losses[:num_made])
        if num_made < num_updates:
            raise FloatingPointError(f"the minibatch loss at iteration {iteration} is not finite")


def _divergence_without_warnings():
    # A number that overflows is noticed as divergence; NumPy need not warn as well.
    return np.errstate(over="ignore", invalid="ignore")


def _epoch_order(num_examples, rng, replace):
    if rng is None:
        return np.arange(num_examples)
    return (
        rng.integers(num_examples, size=num_examples) if replace else rng.permutation(num_examples)
    )


def updates_per_epoch(num_examples, batch_size):
    """Minibatches in one pass over the examples; the last of them may be shorter."""
    return -(-num_examples // batch_size)


def _stretches(num_examples, batch_size, checkpoints, rng, replace):
    """The rows to visit and the number of updates, stretch by stretch."""
    per_epoch, last = updates_per_epoch(num_examples, batch_size), max(checkpoints)
    ends = {
        *checkpoints,
        *range(per_epoch, last, per_epoch),
        *range(LONGEST_STRETCH, last, LONGEST_STRETCH),
    }
    start = 0
    for end in sorted(ends - {0}):
        update = start % per_epoch
        if update == 0:
            order = _epoch_order(num_examples, rng, replace)
        num_updates = end - start
        yield order[update * batch_size : (update + num_updates) * batch_size], num_updates
        start = end


def _rates(learning_rate, iteration, count, dtype):
    """The learning rates of `count` updates from `iteration` on."""
    if not callable(learning_rate):
        return np.full(count, learning_rate, dtype)
    rates = np.array([learning_rate(i) for i in range(iteration, iteration + count)], float)
    wrong = ~((rates > 0) & np.isfinite(rates))
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"learning_rate({iteration + first}) is {rates[first]}, expected a positive number"
        )
    return rates.astype(dtype)


def _start(initial, X, Y):
    """Private copies of the start, in the dtype of X."""
    num_features, num_classes = X.shape[1], Y.shape[1]
    if initial is None:
        return np.zeros((num_features, num_classes), X.dtype), np.zeros(num_classes, X.dtype)
    W, b = (np.array(parameter, X.dtype) for parameter in initial)
    check_shapes(W, b, X, Y)
    return W, b


def _history(records, minibatch_loss, stopped, message):
    W, b, iteration, train_loss, test_loss, test_accuracy, seconds = zip(*records, strict=True)
    return History(
        W=W[-1].copy(),
        b=b[-1].copy(),
        iteration=np.array(iteration),
        train_loss=np.array(train_loss, float),
        test_loss=None if test_loss[0] is None else np.array(test_loss, float),
        test_accuracy=None if test_accuracy[0] is None else np.array(test_accuracy),
        seconds=np.array(seconds),
        minibatch_loss=minibatch_loss,
        W_checkpoints=np.array(W),
        b_checkpoints=np.array(b),
        stopped=stopped,
        message=message,
    )


def _check_examples(X, Y, part):
    """X and Y in one floating dtype, or a ValueError."""
    if X is None or Y is None:
        raise ValueError(f"only one of X_{part} and Y_{part} was given, expected both or none")
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or len(X) == 0:
        raise ValueError(
            f"X_{part} is {X.shape} and Y_{part} {Y.shape}, expected (n, features) and "
            "(n, classes) with n at least 1"
        )
    if not np.issubdtype(X.dtype, np.floating):
        raise ValueError(
            f"X_{part} holds {X.dtype} pixels, expected float32 or float64 in [0, 1]: convert them "
            "with preprocess_data, or X.astype(np.float32) / 255"
        )
    one_hot = ((Y == 0) | (Y == 1)).all(axis=1) & (Y.sum(axis=1) == 1)
    if not one_hot.all():
        row = int(one_hot.argmin())
        raise ValueError(
            f"Y_{part} is not one-hot: row {row} is {Y[row]}, expected a single 1 and otherwise 0; "
            "from integer labels: np.eye(num_classes)[labels]"
        )
    return read_only(X), Y.astype(X.dtype, copy=False)


def _number_of_iterations(num_epochs, num_iterations, num_examples, batch_size):
    if (num_epochs is None) == (num_iterations is None):
        raise ValueError(
            f"num_epochs is {num_epochs} and num_iterations is {num_iterations}, expected exactly "
            "one of them"
        )
    if num_epochs is None:
        return arguments.integer("num_iterations", num_iterations, 1)
    num_epochs = arguments.integer("num_epochs", num_epochs, 1)
    return num_epochs * updates_per_epoch(num_examples, batch_size)


def _checkpoints(checkpoints, num_iterations, num_examples, batch_size):
    if checkpoints is None:
        per_epoch = updates_per_epoch(num_examples, batch_size)
        checkpoints = range(0, num_iterations, per_epoch)
    return {0, num_iterations} | arguments.integers(
        "checkpoints", checkpoints, 0, num_iterations, "iterations"
    )

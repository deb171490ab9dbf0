"""Minibatch SGD: one driver for all engines.

The driver owns what must be equal for a comparison to be fair: the order of the minibatches, the
checkpoints, the clock, the stopping at divergence. An engine (`helpers.engines`) only makes
updates.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from helpers import engines
from helpers.softmax import cross_entropy, fraction_correct, gradient, penalty
from helpers.support import arguments, settings
from helpers.support.history import Checkpoint, History, Stretch, TrainingInterrupted
from helpers.support.progress import progress_bar
from helpers.support.threads import one_blas_thread

# Updates an engine makes in one go: few enough that Ctrl-C and the progress bar wait no longer than
# a second, many enough that the calls cost nothing.
LONGEST_STRETCH = 1000


def epoch_order(
    num_examples: int, rng: np.random.Generator | None = None, replace: bool = False
) -> NDArray:
    """Row numbers in the order of one epoch, which `minibatches` and every run cut into pieces."""
    if rng is None:
        return np.arange(num_examples)
    if replace:
        return rng.integers(num_examples, size=num_examples)
    return rng.permutation(num_examples)


def minibatches(
    num_examples: int,
    batch_size: int,
    rng: np.random.Generator | None = None,
    replace: bool = False,
) -> Iterator[NDArray]:
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
    batch_size = arguments.integer("batch_size", batch_size, 1)
    order = epoch_order(num_examples, rng, replace)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def sgd_step(
    W: NDArray, b: NDArray, X: NDArray, Y: NDArray, learning_rate: float, reg_lambda: float
) -> tuple[NDArray, NDArray]:
    """One update from the mean gradient of a minibatch X, Y, as in the textbook.

    The engines do the same faster; this one is the reference version of what students write.

    Parameters
    ----------
    W, b, X, Y, reg_lambda
        As for `helpers.softmax.gradient`, and its errors.
    learning_rate : float

    Returns
    -------
    W, b : arrays
        New ones; the arguments stay as they are.
    """
    dW, db = gradient(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


@settings.checked
def train_classifier(
    X_train: NDArray, Y_train: NDArray, *, batch_size: int,
    learning_rate: float | Callable[[int], float],
    num_epochs: int | None = None, num_iterations: int | None = None, reg_lambda: float = 1e-4,
    X_test: NDArray | None = None, Y_test: NDArray | None = None,
    engine: engines.Engine = "numpy", reduction: Literal["mean", "sum"] = "mean",
    shuffle: bool = True, replace: bool = False, fit_bias: bool = True,
    initial: tuple[NDArray, NDArray] | None = None, seed: int = 0,
    checkpoints: Iterable[int] | None = None, progress: bool = False,
) -> History:  # fmt: skip
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
    per_epoch = updates_per_epoch(len(X_train), batch_size)
    last = settings.length(num_epochs, num_iterations, per_epoch)
    checkpoints = {0, last} | settings.checkpoints(checkpoints, last, per_epoch)
    stretches = updates(
        X_train, Y_train, checkpoints=checkpoints, batch_size=batch_size,
        learning_rate=learning_rate, reg_lambda=reg_lambda, engine=engine, reduction=reduction,
        shuffle=shuffle, replace=replace, fit_bias=fit_bias, initial=initial, seed=seed,
    )  # fmt: skip
    logits, taken = engines.load_logits(engine), []

    def take_checkpoint(reached: Stretch) -> bool:
        """Add what follows from the scores of all examples to `taken`; False if not finite."""
        iteration, W, b, seconds, *_ = reached
        test_loss = test_accuracy = None
        with _without_warnings():
            cost = cross_entropy(logits(W, b, X_train), Y_train) + penalty(W, reg_lambda)
            train_loss = X_train.dtype.type(cost)
            if X_test is not None and Y_test is not None:
                scores = logits(W, b, X_test)
                test_loss = X_test.dtype.type(cross_entropy(scores, Y_test))
                test_accuracy = fraction_correct(scores, Y_test)
        found = Checkpoint(iteration, W, b, seconds, train_loss, test_loss, test_accuracy)
        finite = all(np.isfinite(each).all() for each in found if each is not None)
        taken.extend([found] * finite)
        return finite

    stopped: Literal["", "diverged", "interrupted"] = ""
    minibatch_loss = np.empty(last)
    with one_blas_thread():
        reached = next(stretches)
        if not take_checkpoint(reached):
            raise settings.not_finite(reached.W, reached.b, X_train, X_test)
        try:
            with progress_bar(last, "Training", "iteration", progress) as bar:
                for stretch in stretches:
                    new = slice(stretch.iteration - len(stretch.minibatch_loss), stretch.iteration)
                    minibatch_loss[new] = stretch.minibatch_loss
                    reached = stretch
                    bar.update(new.stop - new.start)
                    if reached.iteration in checkpoints and not take_checkpoint(reached):
                        break
            if taken[-1].iteration < last:
                stopped = "diverged"
        except KeyboardInterrupt:
            stopped = "interrupted"
        # Here, where nothing holds what was interrupted any more. A second Ctrl-C ends the matter.
        if stopped == "interrupted" and taken[-1].iteration < reached.iteration:
            with suppress(KeyboardInterrupt):
                take_checkpoint(reached)
    history = History.of(taken, reached, minibatch_loss, stopped, batch_size)
    if stopped == "interrupted":
        raise TrainingInterrupted(history)
    if stopped == "diverged":
        warnings.warn(
            f"{history.message}. The history holds what was reached until then.",
            RuntimeWarning,
            stacklevel=3,
        )
    return history


@settings.checked
def updates(
    X: NDArray, Y: NDArray, *, checkpoints: Iterable[int], batch_size: int,
    learning_rate: float | Callable[[int], float], reg_lambda: float = 1e-4,
    engine: engines.Engine = "numpy", reduction: Literal["mean", "sum"] = "mean",
    shuffle: bool = True, replace: bool = False, fit_bias: bool = True,
    initial: tuple[NDArray, NDArray] | None = None, seed: int = 0,
) -> Iterator[Stretch]:  # fmt: skip
    """The bare run inside `train_classifier`: updates up to the last checkpoint, no evaluation.

    For those who want to look at the parameters on the way, or to stop early.

    Parameters
    ----------
    checkpoints : iterable of int
        Iterations at which a stretch must end. One also ends with every epoch, and after
        `LONGEST_STRETCH` updates.
    X, Y and the others
        As for `train_classifier`, and its errors.

    Yields
    ------
    Stretch
        The first is the start, without an update. After one with fewer updates than it should have
        there is none: the next minibatch loss is not finite.
    """
    checkpoints = arguments.integers("checkpoints", checkpoints, 0, None, "iterations")
    rng = np.random.default_rng(seed) if shuffle else None
    (W, b), iteration, seconds = settings.start(initial, X, Y), 0, 0.0
    advance = engines.prepare(
        engine, X, Y,
        batch_size=batch_size, reg_lambda=reg_lambda, reduction=reduction, fit_bias=fit_bias,
    )  # fmt: skip
    yield Stretch(0, W, b, 0.0, np.empty(0), np.nan if callable(learning_rate) else learning_rate)
    for rows, num_updates in _stretches(len(X), batch_size, checkpoints, rng, replace):
        rates = settings.rates(learning_rate, range(iteration, iteration + num_updates), X.dtype)
        with _without_warnings():
            started = time.perf_counter()
            W, b, found = advance(W, b, rows, rates)
            seconds += time.perf_counter() - started
        losses = np.asarray(found, float)
        finite = np.isfinite(losses)
        made = num_updates if finite.all() else int(finite.argmin())
        iteration += made
        yield Stretch(iteration, W, b, seconds, losses[:made], float(rates[max(made - 1, 0)]))
        if made < num_updates:
            return


def updates_per_epoch(num_examples: int, batch_size: int) -> int:
    """Minibatches in one pass over the examples; the last of them may be shorter."""
    return -(-num_examples // batch_size)


def _stretches(num_examples, batch_size, checkpoints, rng, replace):
    """The rows to visit and the number of updates, stretch by stretch."""
    per_epoch, start = updates_per_epoch(num_examples, batch_size), 0
    for checkpoint in sorted(checkpoints):
        while start < checkpoint:
            update = start % per_epoch
            if update == 0:
                order = epoch_order(num_examples, rng, replace)
            count = min(checkpoint - start, per_epoch - update, LONGEST_STRETCH)
            yield order[update * batch_size : (update + count) * batch_size], count
            start += count


def _without_warnings():
    # A number that overflows is noticed as divergence; NumPy need not warn as well.
    return np.errstate(over="ignore", invalid="ignore")

"""Q3 and Q5, the batch-size study; the choices of Q3 are in `training_choices`."""

import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import softmax
from helpers.checks.attempts import CheckFailed, call, not_attempted
from helpers.checks.diagnosis import agree, explanation, fail, nothing_returned, passed
from helpers.checks.display import say
from helpers.checks.mistakes import batch_size_study as mistakes
from helpers.checks.training_choices import is_number, is_open
from helpers.data import MNIST
from helpers.sgd import sgd_step

# Of a training run on six images: rows, and how slow its functions are made.
CHECKPOINTS = (2, 4, 6)
SECONDS_OF_STEP, SECONDS_OF_EVALUATION = 0.003, 0.02
# Of all things and of this process: where others are busy, the second goes on more slowly.
CLOCKS = (time.perf_counter, time.process_time)


def best_rates(function):
    """Check `function(rows)`, which returns the learning rate to choose for each batch size.

    rows : pandas DataFrame
        One row per run: batch_size, learning_rate, seed, validation_loss, test_loss, test_accuracy.
    """
    rows = pd.DataFrame(
        [
            # The mean over the seeds has another favorite than each seed, their median, sum and
            # maximum, and than the test set.
            (1, 0.001, 0, 0.40, 0.20, 0.95), (1, 0.001, 1, 0.41, 0.21, 0.94),
            (1, 0.01, 0, 0.20, 0.31, 0.92), (1, 0.01, 1, 0.42, 0.32, 0.91),
            (1, 0.1, 0, 0.18, 0.40, 0.90), (1, 0.1, 1, 0.55, 0.41, 0.89),
            (1, 1.0, 0, np.inf, np.inf, 0.10), (1, 1.0, 1, 0.25, 0.42, 0.88),
            (10, 0.01, 0, 0.42, 0.50, 0.85), (10, 0.01, 1, 0.28, 0.51, 0.84),
            (10, 0.1, 0, 0.32, 0.40, 0.90), (10, 0.1, 1, 0.33, 0.41, 0.89),
            (10, 0.1, 2, 0.34, 0.42, 0.88),
            (10, 1.0, 0, 0.29, 0.30, 0.92), (10, 1.0, 1, 0.31, 0.31, 0.91),
            (10, 1.0, 2, 0.60, 0.32, 0.90),
            (100, 0.1, 0, 1.20, 1.05, 0.60), (100, 0.1, 1, 1.21, 1.06, 0.59),
            (100, 1.0, 0, 1.10, 1.00, 0.70), (100, 1.0, 1, 1.11, 1.01, 0.69),
        ],
        columns=[
            "batch_size", "learning_rate", "seed", "validation_loss", "test_loss", "test_accuracy",
        ],
    )  # fmt: skip
    found = call(function, rows.copy())
    if found is None:
        nothing_returned(function)
    try:
        found = {int(B): float(rate) for B, rate in found.items()}
    except Exception:  # whatever it is that was returned
        shown = {"expected": "a dict or Series, with a number for each batch size", "got": found}
        fail(function, None, shown)
    expected = mistakes.lowest_mean(rows)
    rates = mistakes.rates_formula(rows, lambda rows: found)
    if found.keys() != expected.keys() or not agree(rates, list(expected.values())):
        mistake = explanation(mistakes.rates_formula, mistakes.BEST_RATES, [([rows], [rates])])
        wrong = next((B for B in expected if not agree(found.get(B, np.nan), expected[B])), None)
        shown = rows[rows["batch_size"] == wrong].to_string(index=False)
        shown = {"some of the rows": "\n" + shown, "expected": expected, "got": found}
        fail(function, mistake, shown)
    passed(function)


def training_run(function):
    """Check `function(data, batches, step, loss, accuracy, checkpoints)`, which returns rows.

    data : MNIST
        Of `helpers.data.load_mnist`.
    batches : iterable of int arrays
    step : function
        `step(W, b, X_batch, Y_batch)` gives the new (W, b).
    loss, accuracy : functions
        Of (W, b, X, Y).
    checkpoints : set of int
        Iterations after which to record a row: iteration, train_loss, test_accuracy and the seconds
        that all updates until then took.
    """
    for slowness in 1, 10:  # a busy machine is given a second chance
        seconds, clock = _run(function, slowness)
        problem = _problem_of_seconds(seconds, clock)
        if problem is None:
            return passed(function)
    shown = {
        "updates took": f"{clock.updates:.3f} s",
        "evaluations before the last row took": f"{clock.before_last_row:.3f} s",
        "got": ", ".join(f"{each:.3g} s" for each in seconds),
    }
    fail(function, problem, shown)


class Clock(NamedTuple):
    """What took how many seconds; single numbers are by the first clock."""

    since_last_row: np.ndarray  # updates (rows, clocks)
    updates: float
    before_last_row: float  # evaluations
    evaluations: float


def _run(function, slowness):
    """The seconds of the rows, whose other columns are right, and what the seconds really are."""
    rng = np.random.default_rng(0)
    X, Y = rng.random((6, 3)).astype(np.float32), np.eye(2, dtype=np.float32)[[0, 1, 1, 0, 1, 1]]
    # What is evaluated on these test images is no number.
    tiny = MNIST(X, Y, np.full((4, 3), np.nan, np.float32), Y[[0, 0, 0, 1]])
    batches = [np.array([0, 1]), *(rng.permutation(6)[:2] for _ in range(5))]
    label_of = {x.tobytes(): y for x, y in zip(X, Y, strict=True)}
    problems = []
    timed_step, steps = timed(sgd_step, slowness * SECONDS_OF_STEP)

    def step(W, b, X_batch, Y_batch):
        problem = _misfit(X_batch, Y_batch, label_of)
        if problem:  # told after the call: the student's code might catch what is raised here
            problems.append(problem)
            return W, b
        return timed_step(W, b, X_batch, Y_batch, mistakes.RATE, 0.0)

    loss, of_loss = timed(softmax.loss, slowness * SECONDS_OF_EVALUATION)
    accuracy, of_accuracy = timed(softmax.accuracy, slowness * SECONDS_OF_EVALUATION)
    try:
        result = call(function, tiny, iter(batches), step, loss, accuracy, {*CHECKPOINTS})
    except CheckFailed:
        if not problems:
            raise
    if problems:
        fail(function, *problems[0])
    if result is None:
        nothing_returned(function)
    columns = ["iteration", "train_loss", "test_accuracy", "seconds"]
    try:
        found = pd.DataFrame(result)[columns].astype(float)
    except Exception:  # whatever it is that was returned
        fail(function, None, {"expected": f"rows with {', '.join(columns)}", "got": result})
    found = found[found["iteration"] > 0]
    case = [tiny, batches, CHECKPOINTS]
    expected = mistakes.run_formula(*case)
    if not agree(found[columns[:3]], expected):
        outcome = case, [found[columns[:3]]]
        mistake = explanation(mistakes.run_formula, mistakes.TRAINING_RUN, [outcome])
        table = pd.DataFrame(expected, columns=columns[:3]).astype({"iteration": int})
        shown = {"expected": "\n" + table.to_string(), "got": "\n" + found.to_string()}
        fail(function, mistake, shown)
    since_last_row = np.add.reduceat(steps, [0, *CHECKPOINTS[:-1]])
    before = sum(seconds for seconds, _ in of_loss[:-1] + of_accuracy[:-1])
    of_all = sum(seconds for seconds, _ in of_loss + of_accuracy)
    clock = Clock(since_last_row, since_last_row[:, 0].sum(), before, of_all)
    return found["seconds"].to_numpy(), clock


def _problem_of_seconds(seconds, clock):
    """The mistake in the seconds of the rows, if there is one."""
    if seconds[-1] < 0:
        return mistakes.START_MINUS_END
    if seconds[-1] > 10 * (clock.updates + clock.evaluations):
        return mistakes.NOT_SECONDS
    if seconds[-1] > clock.updates + clock.before_last_row / 2:
        return mistakes.EVALUATION_IN_CLOCK
    if np.allclose(seconds, clock.since_last_row[:, 0], rtol=0.2, atol=0):
        return mistakes.RESTARTED
    if (np.diff(seconds) > 0).all() and by_a_clock(seconds, clock.since_last_row.cumsum(axis=0)):
        return None
    restarted = by_a_clock(seconds, clock.since_last_row)
    return mistakes.RESTARTED if restarted else mistakes.NOT_ALL_UPDATES


def _misfit(X_batch, Y_batch, label_of):
    """The mistake in a minibatch and what shows it, or None."""
    if len(X_batch) != len(Y_batch):
        shown = {"images in a minibatch": len(X_batch), "labels": len(Y_batch)}
        return mistakes.SHUFFLED_DIFFERENTLY, shown
    for x, y in zip(np.asarray(X_batch, np.float32), np.asarray(Y_batch), strict=True):
        label = label_of.get(x.tobytes())
        if label is None:
            return mistakes.OTHER_IMAGES, {"image in a minibatch": x}
        if not np.array_equal(label, y):
            shown = {"image in a minibatch": x, "expected label": label, "got label": y}
            return mistakes.SHUFFLED_DIFFERENTLY, shown
    return None


def effective_rate(given):
    """Check the rate for a mean gradient that equals 0.005 for the sum over B = 1000 (Q5)."""
    if is_open(given):
        not_attempted("effective_rate")
    if not is_number(given):
        raise CheckFailed(f"effective_rate is {given!r:.100}, expected a number", "not a number")
    rate, B = case = 0.005, 1000
    if not agree(given, rate * B):
        mistake = explanation(mistakes.rate_formula, mistakes.EFFECTIVE_RATE, [(case, [given])])
        shown = {"learning rate": rate, "B": B, "gradient": "summed over B", "got": given}
        fail("effective_rate", mistake, shown)
    say("effective_rate is right.")


def timed(function, least):
    """A function that takes so many seconds at least, and a list of what it took by each clock."""
    took = []

    def slow(*arguments, **named):
        started = [clock() for clock in CLOCKS]
        result = function(*arguments, **named)
        seconds = [0.0]
        while min(seconds) < least:  # not asleep: the processor's clock must go on too
            seconds = [clock() - start for clock, start in zip(CLOCKS, started, strict=True)]
        took.append(seconds)
        return result

    return slow, took


def by_a_clock(seconds, took):
    """Whether these are the seconds (rows,) that something took (rows, clocks), by a clock."""
    # A coarse clock may lack a quarter. What is much more than the process took is another clock's.
    enough = seconds >= 0.75 * took.T
    by_process = enough[1] & (seconds <= 1.5 * took[:, 1])
    return enough[0].all() or by_process.all()

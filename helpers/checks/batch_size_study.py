"""Q3 and Q5, the batch-size study."""

import math
import numbers
import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import softmax, study
from helpers.checks.attempts import CheckFailed, call, not_attempted
from helpers.checks.diagnosis import Exercise, agree, explanation, fail, nothing_returned, passed
from helpers.checks.display import say
from helpers.checks.mistakes import batch_size_study as mistakes
from helpers.data import MNIST, load_mnist
from helpers.sgd import sgd_step

BATCH_SIZES = (1, 10, 100, 1000)
# Q3: the gap to J*, as a share of J*, up to which a choice earns its point, and half of it. At the
# ITR that the study finds it is 5 % with a standard deviation over seeds of up to 0.8 %: the point
# leaves room for three of these.
FULL_CREDIT, HALF_CREDIT = 0.075, 0.15
MOST_EPOCHS = 100
REG_LAMBDA = 1e-4
SEED = 100  # of the runs that judge them; none of the study's
# Of a training run on six images: rows, and how slow its functions are made.
CHECKPOINTS = (2, 4, 6)
SECONDS_OF_STEP, SECONDS_OF_EVALUATION = 0.003, 0.02


def best_rates(function):
    """Check `function(rows)`, which returns the learning rate to choose for each batch size.

    rows : pandas DataFrame
        One row per run: batch_size, learning_rate, seed, validation_loss, test_loss, test_accuracy.
    """
    rows = pd.DataFrame(
        [
            # The mean over the seeds has another favourite than each seed, their median, sum and
            # maximum, and than the test set.
            (1, 0.001, 0, 0.40, 0.20, 0.95), (1, 0.001, 1, 0.41, 0.21, 0.94),
            (1, 0.01, 0, 0.20, 0.31, 0.92), (1, 0.01, 1, 0.42, 0.32, 0.91),
            (1, 0.1, 0, 0.28, 0.40, 0.90), (1, 0.1, 1, 0.45, 0.41, 0.89),
            (1, 1.0, 0, np.inf, np.inf, 0.10), (1, 1.0, 1, 0.25, 0.42, 0.88),
            (10, 0.01, 0, 0.50, 0.50, 0.85), (10, 0.01, 1, 0.30, 0.51, 0.84),
            (10, 0.1, 0, 0.32, 0.40, 0.90), (10, 0.1, 1, 0.33, 0.41, 0.89),
            (10, 0.1, 2, 0.34, 0.42, 0.88),
            (10, 1.0, 0, 0.29, 0.30, 0.92), (10, 1.0, 1, 0.31, 0.31, 0.91),
            (10, 1.0, 2, 0.60, 0.32, 0.90),
            (100, 0.1, 0, 1.20, 0.90, 0.70), (100, 0.1, 1, 1.21, 0.91, 0.69),
            (100, 1.0, 0, 1.10, 1.00, 0.60), (100, 1.0, 1, 1.11, 1.01, 0.59),
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
        exercise = Exercise(("rows",), ("rates",), mistakes.rates_formula, (), mistakes.BEST_RATES)
        mistake = explanation(exercise, [([rows], [rates])])
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
            break
    if problem:
        shown = {
            "updates took": f"{sum(clock.steps):.3f} s",
            "evaluations before the last row took": f"{clock.before_last_row:.3f} s",
            "got": ", ".join(f"{each:.3g} s" for each in seconds),
        }
        fail(function, problem, shown)
    passed(function)


class Clock(NamedTuple):
    """What the steps took, the evaluations before the last row, and all of them."""

    steps: list
    before_last_row: float
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

    (loss, of_loss), (accuracy, of_accuracy) = (
        timed(each, slowness * SECONDS_OF_EVALUATION) for each in (softmax.loss, softmax.accuracy)
    )
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
        exercise = Exercise((), columns[:3], mistakes.run_formula, (), mistakes.TRAINING_RUN)
        mistake = explanation(exercise, [(case, [found[columns[:3]]])])
        table = pd.DataFrame(expected, columns=columns[:3]).astype({"iteration": int})
        shown = {"expected": "\n" + table.to_string(), "got": "\n" + found.to_string()}
        fail(function, mistake, shown)
    evaluations = of_loss + of_accuracy
    clock = Clock(steps, sum(of_loss[:-1]) + sum(of_accuracy[:-1]), sum(evaluations))
    return found["seconds"].to_numpy(), clock


def _problem_of_seconds(seconds, clock):
    """The mistake in the seconds of the rows, if there is one."""
    all_steps = sum(clock.steps)
    since_last_row = [sum(clock.steps[i - 2 : i]) for i in CHECKPOINTS]
    if seconds[-1] < 0:
        return mistakes.START_MINUS_END
    if seconds[-1] > 10 * (all_steps + clock.evaluations):
        return mistakes.NOT_SECONDS
    if seconds[-1] > all_steps + clock.before_last_row / 2:
        return mistakes.EVALUATION_IN_CLOCK
    if seconds[-1] < 0.75 * all_steps or (np.diff(seconds) <= 0).any():
        is_since = (seconds > 0.75 * np.array(since_last_row)).all()
        return mistakes.RESTARTED if is_since else mistakes.NOT_ALL_UPDATES
    return None


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


def choices(given, X_train=None, Y_train=None):
    """Check learning rates and numbers of iterations by training with them (Q3).

    Parameters
    ----------
    given : dict
        `given[B] = dict(learning_rate=…, num_iterations=…)` for B = 1, 10, 100, 1000.
    X_train, Y_train : arrays, optional
        MNIST, where it is in memory already.

    Raises
    ------
    CheckFailed
        A batch size whose gap to J* is larger than `FULL_CREDIT` of J* in the end.
    """
    chosen, problems = _chosen(given)
    if not chosen:
        raise problems[0]
    gaps = _gaps(chosen, X_train, Y_train)
    report = _report(gaps)
    if problems:
        raise CheckFailed(f"{problems[0]}\n{report}", problems[0].mistake)
    if not (gaps["last"] <= FULL_CREDIT).all():
        points = gaps["last"].map(_credit).sum()
        raise CheckFailed(f"choices: {points:g} of {len(gaps)} points.\n{report}", "not converged")
    say(f"choices converge.\n{report}")


def choices_points(given, X_train=None, Y_train=None):
    """Points for the choices of Q3: one for each batch size, half of it for `HALF_CREDIT`.

    A batch size without a choice gets none.

    Parameters
    ----------
    given, X_train, Y_train
        As for `choices`.

    Returns
    -------
    float
    """
    chosen, problems = _chosen(given)
    if not chosen:
        raise problems[0]
    return float(_gaps(chosen, X_train, Y_train)["last"].map(_credit).sum())


def effective_rate(given):
    """Check the rate for a mean gradient that equals 0.005 for the sum over B = 1000 (Q5)."""
    if _is_open(given):
        not_attempted("effective_rate")
    if not _is_number(given):
        raise CheckFailed(f"effective_rate is {given!r:.100}, expected a number", "not a number")
    learning_rate, batch_size = 0.005, 1000
    if not agree(given, learning_rate * batch_size):
        case = [learning_rate, batch_size]
        exercise = Exercise((), ("rate",), mistakes.rate_formula, (), mistakes.EFFECTIVE_RATE)
        mistake = explanation(exercise, [(case, [given])])
        shown = {
            "learning rate": learning_rate,
            "B": batch_size,
            "gradient": "summed over B",
            "got": given,
        }
        fail("effective_rate", mistake, shown)
    say("effective_rate is right.")


def timed(function, least):
    """A function that takes so many seconds at least by every clock, and a list of what it took."""
    seconds = []

    def slow(*arguments, **named):
        started = time.perf_counter()
        result = function(*arguments, **named)
        _work(least)
        seconds.append(time.perf_counter() - started)
        return result

    return slow, seconds


def _work(seconds):
    """Keep the processor busy until every kind of clock has gone on by so much."""
    clocks = [time.perf_counter, time.process_time]
    started = [clock() for clock in clocks]
    while min(clock() - start for clock, start in zip(clocks, started, strict=True)) < seconds:
        pass


def _chosen(given):
    """The choices that can be used, by batch size, and what is wrong with the others."""
    chosen, problems = {}, []
    for B in BATCH_SIZES:
        try:
            chosen[B] = _choice(given, B)
        except CheckFailed as problem:
            problems.append(problem)
    return chosen, problems


def _gaps(chosen, X_train, Y_train):
    """The gap to J* as a share of J*, half way and last, by batch size; the runs are kept."""
    common = dict(seed=SEED, reg_lambda=REG_LAMBDA, engine="numba")
    settings = [
        dict(batch_size=B, checkpoints=[choice["num_iterations"] // 2], **choice, **common)
        for B, choice in chosen.items()
    ]
    if X_train is None:
        X_train, Y_train = load_mnist()[:2]
    rows, _ = study.train_all(settings, X_train, Y_train)
    J_best = study.optimum(X_train, Y_train, REG_LAMBDA)[2]
    rows["gap"] = (rows["train_loss"] / J_best - 1).where(rows["stopped"] == "", np.inf)
    # Half way is the last checkpoint but one; of a run that diverged there may be no other.
    by_batch_size = rows.groupby("batch_size")["gap"]
    return by_batch_size.agg(half=lambda gap: gap.iloc[-2:].iloc[0], last="last")


def _choice(given, B):
    """The learning rate and the number of iterations for B, if they make sense."""
    if _is_open(given) or (isinstance(given, dict) and not given):
        not_attempted("choices")
    try:
        choice = given[B]
        is_open = _is_open(choice)
        values = [] if is_open else [choice["learning_rate"], choice["num_iterations"]]
    except Exception:  # whatever it is that was given
        raise CheckFailed(
            f"choices has no learning rate and number of iterations for B = {B}, expected "
            f"choices[{B}] = dict(learning_rate=…, num_iterations=…), got {given!r:.200}",
            "choice missing",
        ) from None
    if is_open or any(map(_is_open, values)):
        not_attempted(f"choices[{B}]")
    learning_rate, num_iterations = values
    longest = MOST_EPOCHS * 60_000 // B
    if not (_is_number(learning_rate) and learning_rate > 0):
        raise CheckFailed(
            f"choices: the learning rate for B = {B} is {learning_rate!r:.100}, expected a "
            "positive number",
            "not a number",
        )
    is_integer = _is_number(num_iterations) and float(num_iterations).is_integer()
    if not (is_integer and 1 <= num_iterations <= longest):
        raise CheckFailed(
            f"choices: the number of iterations for B = {B} is {num_iterations!r:.100}, expected "
            f"an integer from 1 to {longest} ({MOST_EPOCHS} epochs)",
            "not a number",
        )
    return {"learning_rate": float(learning_rate), "num_iterations": int(num_iterations)}


def _is_open(value):
    """Whether a student has not filled it in yet."""
    return value is None or value is ...


def _is_number(value):
    try:
        is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return is_real and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _credit(gap):
    return 1.0 if gap <= FULL_CREDIT else 0.5 if gap <= HALF_CREDIT else 0.0


def _report(gaps):
    """A line for each batch size, and what the gaps are compared with."""
    lines = []
    for B, half, last in gaps.itertuples():
        lines.append(f"    B = {B}: gap {last:.1%} of J*, points: {_credit(last):g}")
        if not last <= FULL_CREDIT:
            falls = last < 0.95 * half
            advice = "still falling: more iterations" if falls else "hardly falling: another rate"
            lines[-1] += f" ({half:.1%} half way, {advice})"
    return "\n".join(
        [*lines, f"    (all of the point to {FULL_CREDIT:.1%}, half to {HALF_CREDIT:.0%})"]
    )

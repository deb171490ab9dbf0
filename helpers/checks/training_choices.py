"""Q3, the choices: trained with, and judged by the gap that is left.

Where it is too large there are two reasons, and a student who cannot tell them apart searches in
the dark. Near the minimum, noise keeps the parameters in a ball, whose size depends on the learning
rate alone: it is measured by a run that starts at the minimum, so that nothing is left to converge.
If the ball alone is too large, the rate is; more iterations would not help. If it is small, the run
was too short, or its rate so small that all the iterations there are would not do.
"""

import math
import numbers
import warnings
from typing import NamedTuple

import numpy as np

from helpers import study
from helpers.checks.attempts import CheckFailed, CheckInterrupted, not_attempted
from helpers.checks.display import say
from helpers.data import load_mnist

BATCH_SIZES = (1, 10, 100, 1000)
# Q3: the gap to J*, as a share of J*, up to which a choice earns its point, and half of it. At the
# ITR that the study finds it is 5 % with a standard deviation over seeds of up to 0.8 %: the point
# leaves room for three of these.
FULL_CREDIT, HALF_CREDIT = 0.075, 0.15
MOST_EPOCHS = 100
REG_LAMBDA = 1e-4
LONGEST_WAY = 3000  # learning rate times iterations after which a run without noise is near J*
SEED = 100  # of the runs that judge them; none of the study's
# Of the runs that start at the minimum: a ball that leaves too little room below the full point.
LARGEST_BALL = 0.8 * FULL_CREDIT
UPDATES_IN_BALL = 300
TOO_LARGE = "the rate is too large: another rate, a smaller one"
TOO_SMALL = f"the rate is too small for {MOST_EPOCHS} epochs: another rate, a larger one"
TOO_SHORT = "still falling: more iterations"


class Task(NamedTuple):
    """What is trained on, and the minimum of its objective."""

    X_train: np.ndarray
    Y_train: np.ndarray
    W: np.ndarray
    b: np.ndarray
    J: float


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
    try:
        task = task_of(X_train, Y_train)
        gaps = final_gaps(chosen, task)
        report = _report(chosen, gaps, task)
    except KeyboardInterrupt:
        raise CheckInterrupted("choices: check interrupted.") from None
    if problems:
        raise CheckFailed(f"{problems[0]}\n{report}", problems[0].mistake)
    points = sum(map(_credit, gaps.values()))
    if points < len(gaps):
        raise CheckFailed(f"choices: {points:g} of {len(gaps)} points.\n{report}", "not converged")
    say(f"choices are good enough.\n{report}")


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
    chosen, _ = _chosen(given)
    gaps = final_gaps(chosen, task_of(X_train, Y_train))
    return float(sum(map(_credit, gaps.values())))


def task_of(X_train=None, Y_train=None):
    """The task of the exercise, or the one of other arrays."""
    if X_train is None:
        X_train, Y_train = load_mnist()[:2]
    W, b, J = study.optimum(X_train, Y_train, REG_LAMBDA)
    return Task(X_train, Y_train, W.astype(X_train.dtype), b.astype(X_train.dtype), J)


def final_gaps(chosen, task):
    """The gap to J* in the end as a share of J*, by batch size; infinite if a run diverged."""
    settings = [dict(batch_size=B, checkpoints=[], **choice) for B, choice in chosen.items()]
    return {
        B: run.get(chosen[B]["num_iterations"], np.inf)
        for B, run in zip(chosen, gaps_of(settings, task), strict=True)
    }


def advice(cases, task):
    """What to change where the gap is too large, in words.

    Parameters
    ----------
    cases : list of tuples
        Batch size, learning rate, number of iterations, and the gap in the end as a share of J*.
    task : Task

    Returns
    -------
    list of str
        `TOO_LARGE`, `TOO_SMALL` or `TOO_SHORT`.
    """
    balls = sizes_of_balls({case[:2] for case in cases}, task)
    # Where noise does not matter, what counts is the rate times the number of iterations.
    longest_ways = [rate * MOST_EPOCHS * len(task.X_train) / B for B, rate, *_ in cases]
    found = []
    for (B, rate, _, gap), left in zip(cases, _gaps_after(longest_ways, task), strict=True):
        if not gap <= gap_at_zero(task) or balls[B, rate] > LARGEST_BALL:
            found.append(TOO_LARGE)
        else:
            found.append(TOO_SMALL if left + balls[B, rate] > FULL_CREDIT else TOO_SHORT)
    return found


def gap_at_zero(task):
    """The gap of W = 0, where all classes are equally likely."""
    return math.log(task.Y_train.shape[1]) / task.J - 1


def sizes_of_balls(pairs, task):
    """The mean gap of runs that start at the minimum, by (batch size, learning rate).

    It is infinite where the rate is not stable.
    """
    pairs, settings = sorted(pairs), []
    for B, rate in pairs:
        updates = max(math.ceil(len(task.X_train) / B), UPDATES_IN_BALL)
        # In the second half, at even and odd iterations: what overshoots may change sign each time.
        checkpoints = [updates // 2 + k * (updates // 16) + k % 2 for k in range(8)]
        settings.append(dict(batch_size=B, learning_rate=rate, num_iterations=updates))
        settings[-1] |= dict(initial=(task.W, task.b), checkpoints=checkpoints)
    return {
        pair: run[run.index > 0].mean() if run.index[-1] == each["num_iterations"] else np.inf
        for pair, each, run in zip(pairs, settings, gaps_of(settings, task), strict=True)
    }


def _gaps_after(ways, task):
    """The gaps of a run with little noise, after so much of learning rate times iterations."""
    B, trial = 10, 0.1  # a batch size whose updates are cheap, and a rate near to its best
    # The ball grows in proportion to the rate.
    [ball] = sizes_of_balls([(B, trial)], task).values()
    rate = trial * LARGEST_BALL / 3 / ball
    longest = round(LONGEST_WAY / rate)
    checkpoints = np.unique(np.geomspace(1, longest, 25).astype(int)).tolist()
    settings = dict(
        batch_size=B, learning_rate=rate, num_iterations=longest, checkpoints=checkpoints
    )
    [run] = gaps_of([settings], task)
    return np.interp(ways, rate * run.index, run) - LARGEST_BALL / 3


def gaps_of(settings, task, seed=SEED):
    """For each of the settings the gaps by iteration; the runs are cached."""
    common = dict(seed=seed, reg_lambda=REG_LAMBDA, engine="numba")
    settings = [each | common for each in settings]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # divergence is told in other words
        rows, _ = study.train_all(settings, task.X_train, task.Y_train)
    rows["gap"] = (rows["train_loss"] / task.J - 1).fillna(np.inf)
    return [table.set_index("iteration")["gap"] for _, table in rows.groupby("run")]


def _chosen(given):
    """The choices that can be used, by batch size, and what is wrong with the others."""
    chosen, problems = {}, []
    for B in BATCH_SIZES:
        try:
            chosen[B] = _choice(given, B)
        except CheckFailed as problem:
            problems.append(problem)
    if not chosen:
        raise problems[0]
    return chosen, problems


def _choice(given, B):
    """The learning rate and the number of iterations for B, if they make sense."""
    if is_open(given) or (isinstance(given, dict) and not given):
        not_attempted("choices")
    try:
        choice = given[B]
        values = [None] if is_open(choice) else [choice["learning_rate"], choice["num_iterations"]]
    except Exception:  # whatever it is that was given
        raise CheckFailed(
            f"choices has no learning rate and number of iterations for B = {B}, expected "
            f"choices[{B}] = dict(learning_rate=…, num_iterations=…), got {given!r:.200}",
            "choice missing",
        ) from None
    if any(map(is_open, values)):
        not_attempted(f"choices[{B}]")
    learning_rate, num_iterations = values
    longest = MOST_EPOCHS * 60_000 // B
    if not (is_number(learning_rate) and learning_rate > 0):
        raise CheckFailed(
            f"choices: the learning rate for B = {B} is {learning_rate!r:.100}, expected a "
            "positive number",
            "not a number",
        )
    is_integer = is_number(num_iterations) and float(num_iterations).is_integer()
    if not (is_integer and 1 <= num_iterations <= longest):
        raise CheckFailed(
            f"choices: the number of iterations for B = {B} is {num_iterations!r:.100}, expected "
            f"an integer from 1 to {longest} ({MOST_EPOCHS} epochs)",
            "not a number",
        )
    return {"learning_rate": float(learning_rate), "num_iterations": int(num_iterations)}


def is_open(value):
    """Whether a student has not filled it in yet."""
    return value is None or value is ...


def is_number(value):
    try:
        return isinstance(value, numbers.Real) and type(value) is not bool and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _credit(gap):
    return 1.0 if gap <= FULL_CREDIT else 0.5 if gap <= HALF_CREDIT else 0.0


def _report(chosen, gaps, task):
    """A line for each batch size, and what the gaps are compared with."""
    lacking = [B for B, gap in gaps.items() if not gap <= FULL_CREDIT]
    cases = [(B, *chosen[B].values(), gaps[B]) for B in lacking]
    words = dict(zip(lacking, advice(cases, task) if cases else [], strict=True))
    lines = []
    for B, gap in gaps.items():
        size = f"{gap:.1%} of J*" if gap <= gap_at_zero(task) else "above that of W = 0"
        lines.append(f"    B = {B}: gap {size}, points: {_credit(gap):g}")
        lines[-1] += f" ({words[B]})" if B in words else ""
    return "\n".join(
        [*lines, f"    (the whole point to {FULL_CREDIT:.1%}, half of it to {HALF_CREDIT:.0%})"]
    )

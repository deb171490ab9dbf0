"""What the table of runs says: learning rates, ITR, updates to a target."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import landscape, sgd
from helpers.engines import load_logits
from helpers.landscape import largest_curvature, noise_scale  # noqa: F401, part of the study
from helpers.runs import (  # noqa: F401, the tables are part of the study
    examples_seen,
    run_cached,
    tidy,
    train_all,
    train_histories,
)
from helpers.softmax import cross_entropy
from helpers.support import arguments
from helpers.support.caching import cached, digests
from helpers.support.machine import calibration  # noqa: F401, part of the study


def learning_rate_grid(
    X_fit: np.ndarray, Y_fit: np.ndarray, X_val: np.ndarray, Y_val: np.ndarray,
    learning_rates: Mapping[int, Iterable[float]], *, epochs: Iterable[int],
    seeds: Iterable[int] = (0,), n_jobs: int | None = -1, **common: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """The validation loss that each learning rate reaches with each batch size.

    The test set has no part in it. Where the best rate of a batch size lies on the edge of its
    grid, the grid is extended by a factor of two until it does not, or until the next rate is no
    better: a best rate is only known to be one when both its neighbors are not better.

    Parameters
    ----------
    X_fit, Y_fit, X_val, Y_val : arrays
        Of `helpers.data.train_validation_split`.
    learning_rates : dict
        Rates to begin with, by batch size.
    epochs : sequence of int
        When to take checkpoints; the runs end with the last one.
    seeds : sequence of int
    n_jobs : int
        As for `train_all`.
    common
        Of `train_classifier`, the same for all runs: reg_lambda, engine, …

    Returns
    -------
    grid : pandas DataFrame
        One row per run: batch_size, learning_rate, seed, validation_loss (mean cross-entropy
        without penalty; infinite for a run that diverged).
    rows : pandas DataFrame
        Of `train_all`, with validation_loss and validation_accuracy in place of those of a test
        set.

    Raises
    ------
    ValueError
        No rates, seeds or epochs, or arguments that `train_classifier` refuses.
    """
    epochs = sorted(arguments.integers("epochs", epochs, 1, 10**6, "epochs"))
    if not epochs:
        raise ValueError("epochs hold no epoch, expected those after which to evaluate")
    tables: list[pd.DataFrame] = []
    names = {"test_loss": "validation_loss", "test_accuracy": "validation_accuracy"}

    def measure(settings):
        for each in settings:
            per_epoch = sgd.updates_per_epoch(len(X_fit), each["batch_size"])
            each |= {"num_epochs": epochs[-1], "checkpoints": [t * per_epoch for t in epochs]}
        rows, _ = train_all(settings, X_fit, Y_fit, X_val, Y_val, n_jobs=n_jobs)
        rows["run"] += sum(table["run"].nunique() for table in tables)
        tables.append(rows.rename(columns=names))
        last = tables[-1].groupby("run").tail(1)
        converged = (last["stopped"] == "") & np.isfinite(last["validation_loss"])
        grid = last[["batch_size", "learning_rate", "seed", "validation_loss"]]
        return grid.assign(validation_loss=grid["validation_loss"].where(converged, np.inf))

    grid = _search(measure, learning_rates, seeds, common, "validation_loss")
    return grid, pd.concat(tables, ignore_index=True)


def updates_to_target(
    X_fit: np.ndarray, Y_fit: np.ndarray, X_val: np.ndarray, Y_val: np.ndarray,
    learning_rates: Mapping[int, Iterable[float]], *, target: float, seeds: Iterable[int],
    num_epochs: int, n_jobs: int | None = -1, **common: Any,
) -> pd.DataFrame:  # fmt: skip
    """Updates until the validation loss is at the target, for each batch size, rate and seed.

    A checkpoint is taken whenever the number of updates has grown by a tenth. As in
    `learning_rate_grid`, the rates are extended until the best one is not on the edge.

    Parameters
    ----------
    X_fit, Y_fit, X_val, Y_val, learning_rates, n_jobs
        As for `learning_rate_grid`.
    target : float
        Mean cross-entropy on the validation images, below that at the start.
    seeds : sequence of int
    num_epochs : int
        Where to give up.
    common
        Of `train_classifier`.

    Returns
    -------
    pandas DataFrame
        One row per run: batch_size, learning_rate, seed, updates (infinite if the target was not
        reached), examples, seconds (for these updates).

    Raises
    ------
    ValueError
        As `learning_rate_grid`, and for a target that is met without a single update.
    """
    target = arguments.positive("target", target)
    num_epochs = arguments.integer("num_epochs", num_epochs, 1)
    largest = max(arguments.rates_by_batch_size(learning_rates))
    # An update of the largest minibatch: it checks all arguments, and has the loss at the start.
    once = {"learning_rate": 1e-3, "num_iterations": 1, "checkpoints": [], **common}
    history = sgd.train_classifier(
        X_fit, Y_fit, X_test=X_val, Y_test=Y_val, batch_size=largest, **once
    )
    start = tidy(history)["test_loss"].iloc[0]
    if target >= start:
        raise ValueError(
            f"target is {target:g}, but the validation loss is {start:g} before the first update: "
            "expected a target below that"
        )

    def measure(settings):
        calls = [{**each, "target": target, "num_epochs": num_epochs} for each in settings]
        reached = run_cached(_until_target, calls, X_fit, Y_fit, X_val, Y_val, n_jobs)
        rows = pd.DataFrame(settings)[["batch_size", "learning_rate", "seed"]]
        rows[["updates", "seconds"]] = reached
        return rows.assign(examples=examples_seen(rows["updates"], rows["batch_size"], len(X_fit)))

    return _search(measure, learning_rates, seeds, common, "updates")


def best_learning_rates(rows: pd.DataFrame, score: str) -> pd.Series:
    """The rate with the lowest score for each batch size, by the arithmetic mean over seeds.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, learning_rate, and the score: infinite for a run that diverged or did
        not arrive.
    score : str
        Such as "validation_loss" or "updates".

    Returns
    -------
    pandas Series
        learning_rate by batch_size; of equal rates the smallest.

    Raises
    ------
    ValueError
        No rows or columns, a score that is NaN, or a batch size whose means are all infinite.
    """
    means = _mean_scores(rows, score)
    lowest = means.groupby("batch_size").min()
    if np.isinf(lowest).any():
        raise ValueError(
            f"with batch size {lowest.idxmax()} the {score} is infinite at every learning rate, "
            "expected a rate whose runs all get there: try smaller ones if they diverged"
        )
    return means.groupby("batch_size").idxmin().str[1].astype(float).rename("learning_rate")


def iterations_to_converge(rows: pd.DataFrame, tolerance: float) -> pd.Series:
    """ITR: the first checkpoint from which the gap stays below the tolerance, for each batch size.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, iteration, gap.
    tolerance : float
        In the unit of the gap.

    Returns
    -------
    pandas Series
        iteration by batch_size; missing where the last checkpoint is not below the tolerance.

    Raises
    ------
    ValueError
        No rows or columns, or a tolerance that is not positive.
    """
    arguments.columns(rows, "batch_size", "iteration", "gap")
    tolerance = arguments.positive("tolerance", tolerance)

    def first_stay(run):
        above = run.loc[~(run["gap"] < tolerance), "iteration"].max()
        return run.loc[~(run["iteration"] <= above), "iteration"].min()

    return rows.groupby("batch_size")[["iteration", "gap"]].apply(first_stay).rename("iteration")


def optimum(
    X: np.ndarray, Y: np.ndarray, reg_lambda: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """`helpers.landscape.optimum`, kept on disk."""
    settings = {"reg_lambda": reg_lambda}
    return cached(X, Y, function=landscape.optimum, settings=settings, key=digests(X, Y))


def decaying_rate(iteration: int, *, initial: float, half_life: float) -> float:
    """A learning rate that falls like 1/t (Robbins & Monro 1951); half is left at `half_life`."""
    return initial / (1 + iteration / half_life)


def _search(measure, learning_rates, seeds, common, score):
    """Measure all rates for each batch size, then those beside a best one that is on the edge."""
    seeds = sorted(arguments.integers("seeds", seeds, 0, None, "seeds"))
    if not seeds:
        raise ValueError("seeds hold no seed, expected at least one, such as range(3)")
    rates = arguments.rates_by_batch_size(learning_rates)
    tables, wanted = [], [(B, rate) for B in rates for rate in rates[B]]
    while wanted:
        settings = [
            {"batch_size": B, "learning_rate": rate, "seed": seed, **common}
            for B, rate in wanted
            for seed in seeds
        ]
        tables.append(measure(settings))
        table = pd.concat(tables, ignore_index=True)
        wanted = []
        for B, means in _mean_scores(table, score).groupby("batch_size"):
            tried, means = means.index.get_level_values("learning_rate"), means.to_numpy()
            best = means.argmin()
            if np.isinf(means[best]):
                continue  # no rate got anywhere with all seeds: there is no best one to follow
            # On a tie there is nothing to follow either: the next rate might tie for ever.
            if best == 0 and (len(means) == 1 or means[0] < means[1]):
                wanted.append((B, tried[0] / 2))
            if best == len(means) - 1:
                wanted.append((B, tried[-1] * 2))
    return table.sort_values(["batch_size", "learning_rate"], ignore_index=True)


def _mean_scores(rows, score):
    """The mean of the score over seeds by batch size and learning rate, in their order."""
    arguments.columns(rows, "batch_size", "learning_rate", score)
    if rows[score].isna().any():
        wrong = rows[rows[score].isna()].iloc[0]
        raise ValueError(
            f"{score} is NaN with batch size {wrong['batch_size']:g} at learning rate "
            f"{wrong['learning_rate']:g}, expected a number, or infinity for a run that diverged"
        )
    return rows.groupby(["batch_size", "learning_rate"])[score].mean()


def _until_target(X_fit, Y_fit, X_val, Y_val, *, target, num_epochs, **settings):
    """Updates and seconds until the target."""
    last = num_epochs * sgd.updates_per_epoch(len(X_fit), settings["batch_size"])
    logits = load_logits(settings.get("engine", "numpy"))
    checkpoints = {int(1.1**k) for k in range(int(np.log(last) / np.log(1.1)) + 1)} | {last}
    for t, W, b, seconds, *_ in sgd.updates(X_fit, Y_fit, checkpoints=checkpoints, **settings):
        if t in checkpoints and cross_entropy(logits(W, b, X_val), Y_val) <= target:
            return t, seconds
    return np.inf, np.inf

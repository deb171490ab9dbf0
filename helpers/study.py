"""What the table of runs says: learning rates, ITR, updates to a target."""

import os
import timeit

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from helpers import landscape, sgd
from helpers.engines import load_logits
from helpers.landscape import largest_curvature, noise_scale  # noqa: F401, part of the study
from helpers.runs import (  # noqa: F401, the tables are part of the study
    MEMORY,
    cache_key,
    examples_seen,
    run_cached,
    tidy,
    train_all,
    train_histories,
)
from helpers.softmax import cross_entropy, loss


def learning_rate_grid(
    X_fit, Y_fit, X_val, Y_val, learning_rates, *, epochs, seeds=(0,), n_jobs=-1, **common
):
    """The validation loss that each learning rate reaches with each batch size.

    The test set has no part in it. Where the best rate of a batch size lies on the edge of its
    grid, the grid is extended by a factor of two until it does not: a best rate is only known to be
    one when both its neighbours are worse.

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
        Of `train_all`, with the accuracy on the validation images in `test_accuracy`.
    """
    tables = []

    def measure(pairs):
        settings = _settings(pairs, seeds, num_epochs=max(epochs), **common)
        for each in settings:
            per_epoch = sgd.updates_per_epoch(len(X_fit), each["batch_size"])
            each["checkpoints"] = [epoch * per_epoch for epoch in epochs]
        rows, parameters = train_all(settings, X_fit, Y_fit, X_val, Y_val, n_jobs=n_jobs)
        tables.append(rows.assign(run=rows["run"] + sum(t["run"].nunique() for t in tables)))
        grid = rows.groupby("run")[["batch_size", "learning_rate", "seed", "diverged"]].last()
        grid["validation_loss"] = [float(loss(W, b, X_val, Y_val)) for W, b in parameters]
        grid.loc[grid.pop("diverged"), "validation_loss"] = np.inf
        return grid

    grid = _search(measure, learning_rates, "validation_loss")
    return grid, pd.concat(tables, ignore_index=True)


def updates_to_target(
    X_fit, Y_fit, X_val, Y_val, learning_rates, *, target, seeds, n_jobs=-1, **common
):
    """Updates until the validation loss is at the target, for each batch size, rate and seed.

    The validation loss is looked at whenever the number of updates has grown by a tenth. As in
    `learning_rate_grid`, the rates are extended until the best one is not on the edge.

    Parameters
    ----------
    X_fit, Y_fit, X_val, Y_val, learning_rates, n_jobs
        As for `learning_rate_grid`.
    target : float
        Mean cross-entropy on the validation images.
    seeds : sequence of int
    common
        Of `helpers.sgd.updates`, and num_epochs: where to give up.

    Returns
    -------
    pandas DataFrame
        One row per run: batch_size, learning_rate, seed, updates (infinite if the target was not
        reached), examples, seconds (for these updates).
    """

    def measure(pairs):
        settings = _settings(pairs, seeds, **common)
        reached = run_cached(
            _until_target, settings, X_fit, Y_fit, X_val, Y_val, n_jobs=n_jobs, target=target
        )
        rows = pd.DataFrame(settings)[["batch_size", "learning_rate", "seed"]]
        rows[["updates", "seconds"]] = reached
        return rows.assign(examples=examples_seen(rows["updates"], rows["batch_size"], len(X_fit)))

    return _search(measure, learning_rates, "updates")


def best_learning_rates(rows, score):
    """The rate with the lowest score for each batch size, by the geometric mean over seeds.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, learning_rate, and the score.
    score : str
        Such as "validation_loss" or "updates".

    Returns
    -------
    pandas Series
        learning_rate by batch_size.
    """
    # Counts of updates tie at the median of a few seeds, their mean does not.
    means = np.log(rows[score]).groupby([rows["batch_size"], rows["learning_rate"]]).mean()
    return means.groupby("batch_size").idxmin().str[1].astype(float).rename("learning_rate")


def iterations_to_converge(rows, tolerance):
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
    """

    def first_stay(run):
        above = run.loc[~(run["gap"] < tolerance), "iteration"].max()
        return run.loc[~(run["iteration"] <= above), "iteration"].min()

    return rows.groupby("batch_size")[["iteration", "gap"]].apply(first_stay).rename("iteration")


def optimum(X, Y, reg_lambda):
    """`helpers.landscape.optimum`, kept on disk."""
    return _optimum(X, Y, cache_key(X, Y), reg_lambda)


def calibration():
    """What this machine does with a fixed product of matrices, to compare seconds across machines.

    Returns
    -------
    dict
        Seconds for the product of a float32 (1000, 784) with a (784, 10) matrix, the best of 200,
        with the number of BLAS threads in use, and the number of cores.
    """
    rng = np.random.default_rng(0)
    X, W = rng.random((1000, 784), np.float32), rng.random((784, 10), np.float32)
    seconds = min(timeit.repeat(lambda: X @ W, number=1, repeat=200))
    threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    return {"seconds": seconds, "BLAS threads": max(threads, default=1), "cores": os.cpu_count()}


def decaying_rate(iteration, *, initial, half_life):
    """A learning rate that falls like 1/t (Robbins & Monro 1951); half is left at `half_life`."""
    return initial / (1 + iteration / half_life)


def _settings(pairs, seeds, **common):
    """Settings of a run for each pair (batch size, learning rate) and each seed."""
    return [
        {"batch_size": B, "learning_rate": rate, "seed": seed, **common}
        for B, rate in pairs
        for seed in seeds
    ]


def _search(measure, learning_rates, score):
    """Measure all pairs (batch size, rate), then those beside a best rate that is on the edge."""
    tables, tried = [], {B: sorted(rates) for B, rates in learning_rates.items()}
    wanted = [(B, rate) for B, rates in tried.items() for rate in rates]
    while wanted:
        tables.append(measure(wanted))
        table = pd.concat(tables, ignore_index=True)
        wanted = []
        reached = np.isfinite(table[score]).groupby([table["batch_size"], table["learning_rate"]])
        reached = reached.all().groupby("batch_size").any()
        for B, best in best_learning_rates(table, score).items():
            if not reached[B]:
                continue  # no rate got anywhere with all seeds: there is no best one to follow
            if best == tried[B][0]:
                wanted.append((B, best / 2))
            if best == tried[B][-1]:
                wanted.append((B, best * 2))
        for B, rate in wanted:
            tried[B] = sorted([*tried[B], rate])
    return table.sort_values(["batch_size", "learning_rate"], ignore_index=True)


@MEMORY.cache(ignore=["X_fit", "Y_fit", "X_val", "Y_val", "settings"])
def _until_target(X_fit, Y_fit, X_val, Y_val, key, target, settings):
    settings = dict(settings)
    last = settings.pop("num_epochs") * sgd.updates_per_epoch(len(X_fit), settings["batch_size"])
    logits = load_logits(settings.get("engine", "numpy"))
    looks = {int(1.1**k) for k in range(int(np.log(last) / np.log(1.1)) + 1)} | {last}
    for reached in sgd.updates(X_fit, Y_fit, checkpoints=looks, **settings):
        scores = logits(reached.W, reached.b, X_val)
        if reached.iteration in looks and cross_entropy(scores, Y_val) <= target:
            return reached.iteration, reached.seconds
    return np.inf, np.inf


@MEMORY.cache(ignore=["X", "Y"])
def _optimum(X, Y, key, reg_lambda):
    return landscape.optimum(X, Y, reg_lambda)

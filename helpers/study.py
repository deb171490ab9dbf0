"""The study: many runs, one tidy table, and what the table says.

Runs are cached on disk under `data/study`, or in the folder named by the environment variable
STUDY_CACHE, keyed by the data, the settings and the code that makes them. The folder may be deleted
at any time.
"""

import hashlib
import os
import platform
import timeit
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import scipy
from scipy import stats
from threadpoolctl import threadpool_info

from helpers import landscape, sgd
from helpers.data import DATA_DIR
from helpers.engines import load_logits
from helpers.landscape import largest_curvature, noise_scale  # noqa: F401, part of the study
from helpers.runs import run_all
from helpers.softmax import loss

MEMORY = joblib.Memory(os.environ.get("STUDY_CACHE", DATA_DIR / "study"), verbose=0)


def tidy(history, **labels):
    """A table of a run with one row per checkpoint.

    Parameters
    ----------
    history : helpers.sgd.History
    labels
        What tells this run from others, such as `batch_size=10, seed=0`: a column each.

    Returns
    -------
    pandas DataFrame
        The labels, then iteration, train_loss, test_accuracy (fraction, NaN without a test set),
        seconds.
    """
    rows = pd.DataFrame(
        {
            "iteration": history.iteration,
            "train_loss": history.train_loss,
            "test_accuracy": np.nan if history.test_accuracy is None else history.test_accuracy,
            "seconds": history.seconds,
        }
    )
    return pd.concat([pd.DataFrame(labels, index=rows.index), rows], axis=1)


def train_all(settings, X_train, Y_train, X_test, Y_test, *, n_jobs=-1):
    """Train one classifier for each entry of `settings`; one table of all of them.

    Parameters
    ----------
    settings : list of dict
        Keyword arguments of `train_classifier`, one dictionary a run, with batch_size,
        learning_rate and seed.
    X_train, Y_train, X_test, Y_test : arrays
    n_jobs : int
        Runs at a time, as in `helpers.runs.run_all`. Where the seconds matter, 1.

    Returns
    -------
    rows : pandas DataFrame
        One row per run and checkpoint: run (position in `settings`), batch_size, learning_rate
        (NaN for a function), seed, diverged, iteration, examples, epoch, train_loss,
        test_accuracy, seconds.
    parameters : list of (W, b)
        In the end, in the order of `settings`.
    """
    results = _run_cached(_train, settings, X_train, Y_train, X_test, Y_test, n_jobs=n_jobs)
    rows = pd.concat(
        [table.assign(run=run) for run, (table, _) in enumerate(results)], ignore_index=True
    )
    rows["examples"] = _examples(rows["iteration"], rows["batch_size"], len(X_train))
    rows["epoch"] = rows["examples"] / len(X_train)
    return rows, [parameters for _, parameters in results]


def train_histories(settings, X_train, Y_train, X_test, Y_test, *, n_jobs=-1):
    """As `train_all`, but the histories themselves, for what is not in its table.

    Parameters
    ----------
    settings, X_train, Y_train, X_test, Y_test, n_jobs
        As for `train_all`.

    Returns
    -------
    list of helpers.sgd.History
        In the order of `settings`.
    """
    return _run_cached(_history, settings, X_train, Y_train, X_test, Y_test, n_jobs=n_jobs)


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
        reached = _run_cached(
            _until_target, settings, X_fit, Y_fit, X_val, Y_val, n_jobs=n_jobs, target=target
        )
        rows = pd.DataFrame(settings)[["batch_size", "learning_rate", "seed"]]
        rows[["updates", "seconds"]] = reached
        return rows.assign(examples=_examples(rows["updates"], rows["batch_size"], len(X_fit)))

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
    return _optimum(X, Y, _key(X, Y), reg_lambda)


def mean_difference(first, second, confidence=0.95):
    """Mean of paired differences with its confidence interval (Student's t).

    Parameters
    ----------
    first, second : arrays (n,)
        Of the same seeds, in the same order; n at least 2.
    confidence : float

    Returns
    -------
    mean, low, high : float
    """
    difference = np.asarray(first) - np.asarray(second)
    if np.ptp(difference) == 0:
        return difference[0], difference[0], difference[0]
    interval = stats.ttest_1samp(difference, 0).confidence_interval(confidence)
    return difference.mean(), interval.low, interval.high


def mcnemar(predicted_a, predicted_b, truth):
    """McNemar's exact test: are two classifiers wrong equally often?

    Only images on which exactly one of them is right say anything about it. If both are equally
    good, either is the right one with probability ½ (McNemar 1947).

    Parameters
    ----------
    predicted_a, predicted_b, truth : int arrays (n,)

    Returns
    -------
    only_a, only_b : int
        Images on which only a, or only b, is right.
    p_value : float
    """
    right_a, right_b = predicted_a == truth, predicted_b == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if only_a + only_b == 0:
        return 0, 0, 1.0
    return only_a, only_b, float(stats.binomtest(only_a, only_a + only_b).pvalue)


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


def _examples(updates, batch_size, num_examples):
    """Examples seen after a number of updates; the last minibatch of an epoch may be shorter."""
    per_epoch = sgd.updates_per_epoch(num_examples, batch_size)
    epochs = np.floor(updates / per_epoch)
    seen = epochs * num_examples + (updates - epochs * per_epoch) * batch_size
    return seen.where(np.isfinite(updates), np.inf)


def _settings(pairs, seeds, **common):
    """Settings of a run for each pair (batch size, learning rate) and each seed."""
    return [
        {"batch_size": B, "learning_rate": rate, "seed": seed, **common}
        for B, rate in pairs
        for seed in seeds
    ]


def _run_cached(function, settings, *data, n_jobs, **extra):
    """What a cached function of the data gives for each of the settings."""
    key = _key(*data), n_jobs == 1  # since seconds depend on whether a run was alone
    calls = [{"key": (*key, _settings_key(each)), "settings": each, **extra} for each in settings]
    return run_all(function, calls, *data, n_jobs=n_jobs)


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


@MEMORY.cache(ignore=["X_train", "Y_train", "X_test", "Y_test", "settings"])
def _train(X_train, Y_train, X_test, Y_test, key, settings):
    history = _uninterrupted(X_train, Y_train, X_test, Y_test, settings)
    rate = settings["learning_rate"]
    labels = {
        "batch_size": settings["batch_size"],
        "learning_rate": np.nan if callable(rate) else rate,
        "seed": settings["seed"],
        "diverged": bool(history.message),
    }
    return tidy(history, **labels), (history.W, history.b)


@MEMORY.cache(ignore=["X_train", "Y_train", "X_test", "Y_test", "settings"])
def _history(X_train, Y_train, X_test, Y_test, key, settings):
    return _uninterrupted(X_train, Y_train, X_test, Y_test, settings)


def _uninterrupted(X_train, Y_train, X_test, Y_test, settings):
    """The history of a run; half of one must not get into the cache."""
    history = sgd.train_classifier(X_train, Y_train, X_test=X_test, Y_test=Y_test, **settings)
    if "interrupted" in history.message:
        raise KeyboardInterrupt
    return history


@MEMORY.cache(ignore=["X_fit", "Y_fit", "X_val", "Y_val", "settings"])
def _until_target(X_fit, Y_fit, X_val, Y_val, key, target, settings):
    settings = dict(settings)
    last = settings.pop("num_epochs") * sgd.updates_per_epoch(len(X_fit), settings["batch_size"])
    logits = load_logits(settings.get("engine", "numpy"))
    looks = {int(1.1**k) for k in range(int(np.log(last) / np.log(1.1)) + 1)} | {last}
    try:
        for iteration, W, b, seconds, _ in sgd.updates(X_fit, Y_fit, stops=looks, **settings):
            if iteration in looks and loss(W, b, X_val, Y_val, logits=logits) <= target:
                return iteration, seconds
    except FloatingPointError:
        pass
    return np.inf, np.inf


@MEMORY.cache(ignore=["X", "Y"])
def _optimum(X, Y, key, reg_lambda):
    return landscape.optimum(X, Y, reg_lambda)


def _key(*arrays):
    """All that a cached result depends on, besides its settings."""
    return CODE, *(joblib.hash(array, "sha1") for array in arrays)


def _settings_key(settings):
    """The settings as joblib can tell them apart: a function by what it does, not by its name."""
    rate = settings["learning_rate"]
    return joblib.hash({**settings, "learning_rate": cloudpickle.dumps(rate)})


def _code_digest():
    folder = Path(__file__).parent
    modules = [folder / f"{name}.py" for name in ("landscape", "sgd", "softmax", "study")]
    modules += sorted(folder.glob("engines/*.py"))
    code = b"".join(path.read_bytes() for path in modules)
    machine = f"{np.__version__} {scipy.__version__} {platform.machine()} {platform.node()}"
    return hashlib.sha256(code + machine.encode()).hexdigest()


# Taken now: what is edited after the import is not what runs.
CODE = _code_digest()

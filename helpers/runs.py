"""Many runs, each made once and then kept on disk, and one tidy table of them."""

import platform
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from helpers import sgd
from helpers.support.caching import cached, digests
from helpers.support.parallel import RunsInterrupted, run_all


def tidy(history: sgd.History, **labels: object) -> pd.DataFrame:
    """A table of a run with one row per checkpoint.

    Parameters
    ----------
    history : helpers.sgd.History
    labels
        What tells this run from others, such as `batch_size=10, seed=0`: a column each.

    Returns
    -------
    pandas DataFrame
        The labels, then iteration, train_loss, test_loss, test_accuracy (fraction), seconds; NaN
        for what is of the test set where there was none.
    """
    rows = pd.DataFrame(
        {
            "iteration": history.iteration,
            "train_loss": history.train_loss,
            "test_loss": np.nan if history.test_loss is None else history.test_loss,
            "test_accuracy": np.nan if history.test_accuracy is None else history.test_accuracy,
            "seconds": history.seconds,
        }
    )
    return pd.concat([pd.DataFrame(labels, index=rows.index), rows], axis=1)


def train_all(
    settings: Iterable[dict],
    X_train: np.ndarray,
    Y_train: np.ndarray,
    X_test: np.ndarray | None = None,
    Y_test: np.ndarray | None = None,
    *,
    n_jobs: int | None = -1,
) -> tuple[pd.DataFrame, list[tuple[np.ndarray, np.ndarray]]]:
    """Train one classifier for each entry of `settings`; one table of all of them.

    Parameters
    ----------
    settings : list of dict
        Keyword arguments of `train_classifier`, one dictionary a run.
    X_train, Y_train : arrays
    X_test, Y_test : arrays, optional
    n_jobs : int
        Runs at a time, as in `helpers.support.parallel.run_all`. Where the seconds matter, 1: only
        then are they of a run that was alone, and of this machine.

    Returns
    -------
    rows : pandas DataFrame
        One row per run and checkpoint: run (position in `settings`), batch_size, learning_rate
        (NaN for a function), seed, stopped ("" or "diverged"), iteration, examples, epoch,
        train_loss, test_loss, test_accuracy (NaN without a test set), seconds.
    parameters : list of (W, b)
        In the end, in the order of `settings`.

    Raises
    ------
    ValueError
        No settings, or what `train_classifier` says about one of them.
    RunsInterrupted
        Ctrl-C, or ■ in a notebook. Runs that were finished are kept.
    """
    results = run_cached(_rows_and_parameters, settings, X_train, Y_train, X_test, Y_test, n_jobs)
    rows = pd.concat(
        [table.assign(run=run) for run, (table, _) in enumerate(results)], ignore_index=True
    )
    rows["examples"] = examples_seen(rows["iteration"], rows["batch_size"], len(X_train))
    rows["epoch"] = rows["examples"] / len(X_train)
    return rows, [parameters for _, parameters in results]


def train_histories(
    settings: Iterable[dict],
    X_train: np.ndarray,
    Y_train: np.ndarray,
    X_test: np.ndarray | None = None,
    Y_test: np.ndarray | None = None,
    *,
    n_jobs: int | None = -1,
) -> list[sgd.History]:
    """As `train_all`, but the histories themselves, for what is not in its table.

    Parameters
    ----------
    settings, X_train, Y_train, X_test, Y_test, n_jobs
        As for `train_all`; the errors too.

    Returns
    -------
    list of helpers.sgd.History
        In the order of `settings`.
    """
    return run_cached(_history, settings, X_train, Y_train, X_test, Y_test, n_jobs)


def examples_seen(updates: pd.Series, batch_size: pd.Series, num_examples: int) -> pd.Series:
    """Examples seen after a number of updates; the last minibatch of an epoch may be shorter."""
    per_epoch = sgd.updates_per_epoch(num_examples, batch_size)
    epochs = np.floor(updates / per_epoch)
    seen = epochs * num_examples + (updates - epochs * per_epoch) * batch_size
    return seen.where(np.isfinite(updates), np.inf)


def run_cached(
    function: Callable,
    settings: Iterable[dict],
    X_train: np.ndarray,
    Y_train: np.ndarray,
    X_test: np.ndarray | None,
    Y_test: np.ndarray | None,
    n_jobs: int | None,
) -> list:
    """What a function of the data gives for each of the settings, of those not made before."""
    settings = [dict(each) for each in settings]
    if not settings:
        raise ValueError("settings hold no run, expected a dictionary of arguments for each")
    for each in settings:
        if isinstance(each.get("checkpoints"), Iterator):
            each["checkpoints"] = list(each["checkpoints"])  # which can be read only once
    data = [
        None if array is None else np.asarray(array) for array in (X_train, Y_train, X_test, Y_test)
    ]
    # The seconds of a run alone belong to the machine; nothing else of a result does.
    key = [digests(*data), platform.node() if n_jobs == 1 else None]
    calls = [{"function": function, "settings": each, "key": key} for each in settings]
    try:
        return run_all(cached, calls, *data, n_jobs=n_jobs)
    except RunsInterrupted as interrupt:
        raise RunsInterrupted(f"{interrupt} They are kept: run this again to go on.") from None


def _history(X_train, Y_train, X_test, Y_test, **settings):
    return sgd.train_classifier(X_train, Y_train, X_test=X_test, Y_test=Y_test, **settings)


def _rows_and_parameters(X_train, Y_train, X_test, Y_test, **settings):
    """What `train_all` needs of a history, which is a hundredth of its size."""
    history = _history(X_train, Y_train, X_test, Y_test, **settings)
    rate = settings["learning_rate"]
    labels = {
        "batch_size": int(settings["batch_size"]),
        "learning_rate": np.nan if callable(rate) else rate,
        "seed": settings.get("seed", 0),
        "stopped": history.stopped,
    }
    return tidy(history, **labels), (history.W, history.b)

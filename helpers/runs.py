"""Many runs, cached, one tidy table.

Runs are cached on disk under `data/study`, or in the folder named by the environment variable
STUDY_CACHE, keyed by the data, the settings and the code that makes them. The folder may be deleted
at any time.
"""

import hashlib
import os
import platform
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import scipy

from helpers import sgd
from helpers.data import DATA_DIR
from helpers.support.parallel import run_all

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
        Runs at a time, as in `helpers.support.parallel.run_all`. Where the seconds matter, 1.

    Returns
    -------
    rows : pandas DataFrame
        One row per run and checkpoint: run (position in `settings`), batch_size, learning_rate
        (NaN for a function), seed, diverged, iteration, examples, epoch, train_loss,
        test_accuracy, seconds.
    parameters : list of (W, b)
        In the end, in the order of `settings`.
    """
    results = run_cached(_train, settings, X_train, Y_train, X_test, Y_test, n_jobs=n_jobs)
    rows = pd.concat(
        [table.assign(run=run) for run, (table, _) in enumerate(results)], ignore_index=True
    )
    rows["examples"] = examples_seen(rows["iteration"], rows["batch_size"], len(X_train))
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
    return run_cached(_history, settings, X_train, Y_train, X_test, Y_test, n_jobs=n_jobs)


def examples_seen(updates, batch_size, num_examples):
    """Examples seen after a number of updates; the last minibatch of an epoch may be shorter."""
    per_epoch = sgd.updates_per_epoch(num_examples, batch_size)
    epochs = np.floor(updates / per_epoch)
    seen = epochs * num_examples + (updates - epochs * per_epoch) * batch_size
    return seen.where(np.isfinite(updates), np.inf)


def run_cached(function, settings, *data, n_jobs, **extra):
    """What a cached function of the data gives for each of the settings."""
    key = cache_key(*data), n_jobs == 1  # since seconds depend on whether a run was alone
    calls = [{"key": (*key, _settings_key(each)), "settings": each, **extra} for each in settings]
    return run_all(function, calls, *data, n_jobs=n_jobs)


@MEMORY.cache(ignore=["X_train", "Y_train", "X_test", "Y_test", "settings"])
def _train(X_train, Y_train, X_test, Y_test, key, settings):
    history = sgd.train_classifier(X_train, Y_train, X_test=X_test, Y_test=Y_test, **settings)
    rate = settings["learning_rate"]
    labels = {
        "batch_size": settings["batch_size"],
        "learning_rate": np.nan if callable(rate) else rate,
        "seed": settings["seed"],
        "diverged": bool(history.stopped),
    }
    return tidy(history, **labels), (history.W, history.b)


@MEMORY.cache(ignore=["X_train", "Y_train", "X_test", "Y_test", "settings"])
def _history(X_train, Y_train, X_test, Y_test, key, settings):
    return sgd.train_classifier(X_train, Y_train, X_test=X_test, Y_test=Y_test, **settings)


def cache_key(*arrays):
    """All that a cached result depends on, besides its settings."""
    return CODE, *(joblib.hash(array, "sha1") for array in arrays)


def _settings_key(settings):
    """The settings as joblib can tell them apart: a function by what it does, not by its name."""
    rate = settings["learning_rate"]
    return joblib.hash({**settings, "learning_rate": cloudpickle.dumps(rate)})


def _code_digest():
    folder = Path(__file__).parent
    modules = [folder / f"{name}.py" for name in ("landscape", "runs", "sgd", "softmax", "study")]
    modules += sorted(folder.glob("engines/*.py"))
    code = b"".join(path.read_bytes() for path in modules)
    machine = f"{np.__version__} {scipy.__version__} {platform.machine()} {platform.node()}"
    return hashlib.sha256(code + machine.encode()).hexdigest()


# Taken now: what is edited after the import is not what runs.
CODE = _code_digest()

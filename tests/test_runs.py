"""Many runs are the runs of `train_classifier`: made once, kept, and in one table."""

import importlib
import os
import re
import shutil
import signal
import sys
import threading
import time
from functools import partial

import joblib
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers import runs, sgd
from helpers.runs import tidy, train_all, train_histories
from helpers.sgd import train_classifier
from helpers.support import caching
from helpers.support.parallel import RunsInterrupted

OF_HISTORY = ["iteration", "train_loss", "test_loss", "test_accuracy"]
rng = np.random.default_rng(0)
classes = rng.integers(3, size=30)
X = rng.normal(size=(30, 4)) + np.eye(3, 4)[classes]
Y = np.eye(3)[classes]


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache, as a folder."""
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(monkeypatch):
    """The settings of the runs that were made, not read from the cache."""
    made = []
    monkeypatch.setattr(
        runs.sgd, "train_classifier", lambda *a, **k: made.append(k) or train_classifier(*a, **k)
    )
    return made


def settings_of(batch_sizes, seeds=(0,), **common):
    """Two epochs for each batch size and seed."""
    return [
        dict(batch_size=B, learning_rate=0.1, seed=seed, num_epochs=2, **common)
        for B in batch_sizes
        for seed in seeds
    ]


# The table


def test_tidy_has_a_row_per_checkpoint_with_labels_first():
    history = train_classifier(
        X, Y, batch_size=10, learning_rate=0.1, num_epochs=2, X_test=X, Y_test=Y
    )
    rows = tidy(history, batch_size=10, engine="numpy")
    assert rows.columns.tolist() == ["batch_size", "engine", *OF_HISTORY, "seconds"]
    assert rows["batch_size"].tolist() == [10] * 3 and set(rows["engine"]) == {"numpy"}
    assert rows["iteration"].tolist() == [0, 3, 6]
    for column in [*OF_HISTORY, "seconds"]:
        np.testing.assert_array_equal(rows[column], getattr(history, column))


def test_tidy_without_labels_and_without_a_test_set():
    rows = tidy(train_classifier(X, Y, batch_size=10, learning_rate=0.1, num_epochs=2))
    assert rows.columns.tolist() == [*OF_HISTORY, "seconds"]
    for column in "test_loss", "test_accuracy":
        assert rows[column].isna().all() and rows[column].dtype == float


def test_all_runs_are_one_table_with_the_runs_of_train_classifier():
    rows, parameters = train_all(settings_of([5, 10], [0, 1]), X, Y, X[:9], Y[:9])
    assert len(parameters) == 4 and rows["run"].unique().tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows["examples"], rows["iteration"] * rows["batch_size"])
    assert rows["epoch"].unique().tolist() == [0, 1, 2]
    [last] = settings_of([10], [1])
    history = train_classifier(X, Y, X_test=X[:9], Y_test=Y[:9], **last)
    run = rows[rows["run"] == 3]
    for column in OF_HISTORY:
        np.testing.assert_array_equal(run[column], getattr(history, column))
    np.testing.assert_array_equal(parameters[3][0], history.W)
    assert set(rows["stopped"]) == {""}


def test_a_run_needs_no_test_set_no_seed_and_no_array_of_numpy():
    settings = [dict(batch_size=5, learning_rate=0.1, num_epochs=2, checkpoints=iter([3]))]
    rows, _ = train_all(settings, pd.DataFrame(X), pd.DataFrame(Y))
    history = train_classifier(X, Y, batch_size=5, learning_rate=0.1, num_epochs=2, checkpoints=[3])
    np.testing.assert_allclose(rows["train_loss"], history.train_loss, rtol=1e-12)
    assert rows["seed"].tolist() == [0] * 3 and rows["test_loss"].isna().all()
    assert train_histories(settings_of([5]), X, Y)[0].test_accuracy is None


def test_half_a_test_set_is_refused():
    with pytest.raises(ValueError, match="only one of X_test and Y_test"):
        train_all(settings_of([5]), X, Y, X)
    with pytest.raises(ValueError, match="only one of X_test and Y_test"):
        train_all(settings_of([5]), X, Y, None, Y)


@pytest.mark.parametrize("train", [train_all, train_histories])
def test_no_settings_are_told_apart_from_no_results(train):
    with pytest.raises(ValueError, match="settings hold no run"):
        train([], X, Y)


@pytest.mark.filterwarnings("ignore:SGD diverged")
def test_a_run_that_diverged_says_so_in_every_row():
    rows, _ = train_all(settings_of([5]) + settings_of([1], reg_lambda=1e6), X, Y, n_jobs=1)
    assert rows.groupby("run")["stopped"].unique().str.join("").tolist() == ["", "diverged"]


def test_a_shorter_last_minibatch_counts_as_what_it_is():
    rows, _ = train_all(settings_of([20]), X, Y, n_jobs=1)
    assert rows["iteration"].tolist() == [0, 2, 4]
    assert rows["examples"].tolist() == [0, 30, 60] and rows["epoch"].tolist() == [0, 1, 2]


# What is kept


def test_a_run_is_not_made_again_and_other_data_settings_or_code_are(made, monkeypatch):
    first, _ = train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    again, _ = train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    assert len(made) == 1
    pd.testing.assert_frame_equal(first, again)
    train_all(settings_of([6]), X, Y, X, Y, n_jobs=1)
    train_all(settings_of([5]), X + 1, Y, X, Y, n_jobs=1)
    train_all(settings_of([5]), X, Y, X[:9], Y[:9], n_jobs=1)
    train_all(settings_of([5]), X, Y, n_jobs=1)
    train_histories(settings_of([5]), X, Y, n_jobs=1)
    monkeypatch.setattr(caching, "CODE", "another engine")
    train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    assert len(made) == 7


def test_another_machine_keeps_the_losses_and_makes_the_seconds_anew(made, monkeypatch):
    train_all(settings_of([5]), X, Y, n_jobs=2)
    train_all(settings_of([5]), X, Y, n_jobs=1)
    assert len(made) == 2
    monkeypatch.setattr(runs.platform, "node", lambda: "another container")
    train_all(settings_of([5]), X, Y, n_jobs=2)
    assert len(made) == 2
    train_all(settings_of([5]), X, Y, n_jobs=1)
    assert len(made) == 3


def test_numbers_of_numpy_are_the_same_settings_as_those_of_python(made):
    train_all(settings_of([5]), X, Y, n_jobs=1)
    [settings] = settings_of([5])
    table = pd.DataFrame([settings])
    numpy_settings = {name: table[name].iloc[0] for name in settings}
    train_all([numpy_settings], X, Y, n_jobs=1)
    assert len(made) == 1


def test_small_integers_of_numpy_count_all_examples():
    [settings] = settings_of([5])
    many = [np.tile(each, (20, 1)) for each in (X, Y)]
    rows, _ = train_all([settings | {"batch_size": np.int8(100)}], *many, n_jobs=1)
    epochs = settings["num_epochs"]
    assert rows["examples"].iloc[-1] == epochs * len(many[0]) > 128


def test_histories_are_those_of_train_classifier_and_kept_too(monkeypatch):
    settings = settings_of([5, 10])
    first = train_histories(settings, X, Y, X, Y)
    monkeypatch.setattr(runs.sgd, "train_classifier", None)
    again = train_histories(settings, X, Y, X, Y)
    for each, history, kept in zip(settings, first, again, strict=True):
        expected = train_classifier(X, Y, X_test=X, Y_test=Y, **each)
        np.testing.assert_array_equal(history.W_checkpoints, expected.W_checkpoints)
        np.testing.assert_array_equal(kept.minibatch_loss, expected.minibatch_loss)


def test_a_learning_rate_function_is_known_by_what_it_does():
    def last_loss(learning_rate):
        settings = [dict(each, learning_rate=learning_rate) for each in settings_of([5])]
        rows, _ = train_all(settings, X, Y, n_jobs=1)
        assert rows["learning_rate"].isna().all()
        return rows["train_loss"].iloc[-1]

    losses = [last_loss(lambda t, rate=rate: rate) for rate in (0.1, 0.001, 0.1)]
    assert losses[0] == losses[2] != losses[1]


def test_a_learning_rate_function_of_a_module_that_is_edited_is_another_one(
    made, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "my_rates_of_a_test.py"
    for rate, count in [("0.1", 1), ("0.1", 1), ("0.001", 2)]:
        sys.modules.pop(source.stem, None)
        source.write_text(f"def rate(iteration, factor=1):\n    return factor * {rate}\n")
        importlib.invalidate_caches()
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        function = importlib.import_module(source.stem).rate
        for learning_rate in function, partial(function, factor=2):
            train_all([dict(each, learning_rate=learning_rate) for each in settings_of([5])], X, Y)
        assert len(made) == 2 * count


# Interrupts


def test_an_interrupted_run_is_neither_kept_nor_taken_for_a_result(cache, monkeypatch):
    def interrupted(*arguments, **settings):
        raise sgd.TrainingInterrupted(train_classifier(*arguments, **settings))

    settings = settings_of([5, 6, 7])
    monkeypatch.setattr(
        runs.sgd,
        "train_classifier",
        lambda *a, **k: (interrupted if k["batch_size"] == 6 else train_classifier)(*a, **k),
    )
    with pytest.raises(RunsInterrupted) as raised:
        train_all(settings, X, Y, n_jobs=1)
    [line] = raised.value._render_traceback_()
    assert line == (
        "Interrupted: 1 of 3 runs are finished. They are kept: run this again to go on."
    )
    assert len(list(cache.iterdir())) == 1


ticks = []


def interrupts_itself(iteration):
    """A learning rate that presses Ctrl-C when it is asked for the fiftieth time."""
    time.sleep(0.005)
    ticks.append(iteration)
    if len(ticks) == 50:
        os.kill(os.getpid(), signal.SIGINT)
    return 0.1


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_a_study_and_leaves_whole_runs_only(cache, made, n_jobs):
    ticks.clear()
    settings = [dict(each, learning_rate=interrupts_itself) for each in settings_of([5], range(99))]
    with pytest.raises(RunsInterrupted, match=r"Interrupted: \d+ of 99 runs are finished"):
        train_all(settings, X, Y, n_jobs=n_jobs)
    for thread in threading.enumerate():  # what was running in other threads comes to its end
        if "ThreadPool" in thread.name or "Thread-" in thread.name:
            thread.join(10)
    kept = len(list(cache.iterdir()))
    assert 2 <= kept < 99 and len(made) - kept in (0, 1)
    before = len(made)
    train_all(settings[: kept + 2], X, Y, n_jobs=n_jobs)
    assert len(made) - before == 2


STUDY = """
import os, signal, time
import numpy as np
from helpers.runs import train_all

ticks = []

def interrupts_itself(iteration):
    ticks.append(iteration)
    if len(ticks) == 150:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    return 0.1

each = dict(batch_size=1, learning_rate=interrupts_itself, num_epochs=1)
settings = [dict(each, seed=seed) for seed in range(100)]
train_all(settings, np.eye(20), np.eye(20), n_jobs={n_jobs})
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_in_a_notebook_is_one_line_and_stops_there(n_jobs):
    cells = [STUDY.format(n_jobs=n_jobs), "print('gone on')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook).execute()
    [error] = notebook.cells[0].outputs
    assert error.ename == "RunsInterrupted" and not notebook.cells[1].outputs
    [line] = error.traceback
    assert re.fullmatch(r"Interrupted: \d+ of 100 runs are finished\. They are kept: .*", line)


# A cluster


@pytest.mark.slow
def test_runs_on_a_dask_cluster_are_those_of_one_process(cache):
    from dask.distributed import Client, LocalCluster

    def keep_in(folder):
        os.environ["STUDY_CACHE"] = folder

    settings = settings_of([2, 10], [0, 1])
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        client.run(keep_in, str(cache / "of workers"))
        there, _ = train_all(settings, X, Y)
    assert len(list((cache / "of workers").iterdir())) == len(settings)
    here, _ = train_all(settings, X, Y)
    pd.testing.assert_frame_equal(there.drop(columns="seconds"), here.drop(columns="seconds"))

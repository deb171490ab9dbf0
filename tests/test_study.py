"""Many runs, what is kept of them, and what their table says."""

import os

import joblib
import numpy as np
import pandas as pd
import pytest

from helpers import runs, sgd, study
from helpers.sgd import train_classifier
from helpers.softmax import loss
from helpers.study import (
    best_learning_rates,
    iterations_to_converge,
    learning_rate_grid,
    tidy,
)

COLUMNS = ["iteration", "train_loss", "test_accuracy", "seconds"]
run_uncached = runs._train.func


def examples(dtype=float, num_examples=30):
    """X with four features and Y with three classes that overlap."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=num_examples)
    X = rng.normal(size=(num_examples, 4)) + np.eye(3, 4)[classes]
    return X.astype(dtype), np.eye(3, dtype=dtype)[classes]


# tidy


def test_tidy_has_a_row_per_checkpoint_with_labels_first():
    X, Y = examples()
    history = train_classifier(
        X, Y, batch_size=10, learning_rate=0.1, num_epochs=2, X_test=X, Y_test=Y
    )
    rows = tidy(history, batch_size=10, engine="numpy")
    assert rows.columns.tolist() == ["batch_size", "engine", *COLUMNS]
    assert rows["batch_size"].tolist() == [10] * 3 and set(rows["engine"]) == {"numpy"}
    assert rows["iteration"].tolist() == [0, 3, 6]
    for column in COLUMNS:
        np.testing.assert_array_equal(rows[column], getattr(history, column))


def test_tidy_without_labels_and_without_a_test_set():
    history = train_classifier(*examples(), batch_size=10, learning_rate=0.1, num_epochs=2)
    rows = tidy(history)
    assert rows.columns.tolist() == COLUMNS
    assert rows["test_accuracy"].isna().all() and rows["test_accuracy"].dtype == float


# The study: many runs


def settings_of(batch_sizes, seeds=(0,), **common):
    """Two epochs for each batch size and seed."""
    return [
        dict(batch_size=B, learning_rate=0.1, seed=seed, num_epochs=2, **common)
        for B in batch_sizes
        for seed in seeds
    ]


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache for runs, as a folder."""
    memory = joblib.Memory(tmp_path, verbose=0)
    ignored = ["X_train", "Y_train", "X_test", "Y_test", "settings"]
    for name in "_train", "_history":
        function = getattr(runs, name).func
        monkeypatch.setattr(runs, name, memory.cache(function, ignore=ignored))
    return tmp_path


def test_all_runs_are_one_table_with_the_runs_of_train_classifier(cache):
    X, Y = examples()
    rows, parameters = study.train_all(settings_of([5, 10], [0, 1]), X, Y, X[:9], Y[:9])
    assert len(parameters) == 4 and rows["run"].unique().tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows["examples"], rows["iteration"] * rows["batch_size"])
    assert rows["epoch"].unique().tolist() == [0, 1, 2]
    [last] = settings_of([10], [1])
    history = train_classifier(X, Y, X_test=X[:9], Y_test=Y[:9], **last)
    run = rows[rows["run"] == 3]
    for column in COLUMNS[:3]:
        np.testing.assert_array_equal(run[column], getattr(history, column))
    np.testing.assert_array_equal(parameters[3][0], history.W)
    assert not rows["diverged"].any()


def test_a_cached_run_is_not_made_again_and_other_data_or_settings_are(cache, monkeypatch):
    X, Y = examples()
    made = []
    monkeypatch.setattr(
        runs.sgd, "train_classifier", lambda *a, **k: made.append(k) or train_classifier(*a, **k)
    )
    first, _ = study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    again, _ = study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    assert len(made) == 1
    pd.testing.assert_frame_equal(first, again)
    study.train_all(settings_of([6]), X, Y, X, Y, n_jobs=1)
    study.train_all(settings_of([5]), X + 1, Y, X, Y, n_jobs=1)
    monkeypatch.setattr(runs, "CODE", "another engine")
    study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    assert len(made) == 4
    study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=2)  # other seconds
    assert len(made) == 5


def test_histories_are_those_of_train_classifier_and_kept_too(cache, monkeypatch):
    X, Y = examples()
    settings = settings_of([5, 10])
    first = study.train_histories(settings, X, Y, X, Y)
    monkeypatch.setattr(runs.sgd, "train_classifier", None)
    again = study.train_histories(settings, X, Y, X, Y)
    for each, history, kept in zip(settings, first, again, strict=True):
        expected = train_classifier(X, Y, X_test=X, Y_test=Y, **each)
        np.testing.assert_array_equal(history.W_checkpoints, expected.W_checkpoints)
        np.testing.assert_array_equal(kept.minibatch_loss, expected.minibatch_loss)


def test_a_learning_rate_function_is_known_by_what_it_does(cache):
    X, Y = examples()

    def last_loss(learning_rate):
        settings = [dict(each, learning_rate=learning_rate) for each in settings_of([5])]
        rows, _ = study.train_all(settings, X, Y, X, Y, n_jobs=1)
        return rows["train_loss"].iloc[-1]

    losses = [last_loss(lambda t, rate=rate: rate) for rate in (0.1, 0.001, 0.1)]
    assert losses[0] == losses[2] != losses[1]


def test_a_shorter_last_minibatch_counts_as_what_it_is(cache):
    X, Y = examples()
    rows, _ = study.train_all(settings_of([20]), X, Y, X, Y, n_jobs=1)
    assert rows["iteration"].tolist() == [0, 2, 4]
    assert rows["examples"].tolist() == [0, 30, 60] and rows["epoch"].tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:Exception while loading results")
def test_a_corrupt_cache_entry_is_made_again(cache):
    X, Y = examples()
    first, _ = study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    [entry] = cache.rglob("output.pkl")
    entry.write_bytes(entry.read_bytes()[:100])
    again, _ = study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), again.drop(columns="seconds"))


def test_an_interrupted_run_is_neither_kept_nor_taken_for_a_result(cache, monkeypatch):
    X, Y = examples()

    def interrupted(*arguments, **settings):
        history = train_classifier(*arguments, **settings)
        raise sgd.TrainingInterrupted(history)

    monkeypatch.setattr(runs.sgd, "train_classifier", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study.train_all(settings_of([5]), X, Y, X, Y, n_jobs=1)
    assert not list(cache.rglob("output.pkl"))


def train_and_tell_where(*arrays, key, settings):
    """The run, not cached, with the process that made it."""
    rows, parameters = run_uncached(*arrays, key=key, settings=settings)
    return rows.assign(process=os.getpid()), parameters


@pytest.mark.slow
def test_a_grid_on_a_dask_cluster_gives_the_rows_of_one_process(monkeypatch):
    from dask.distributed import Client, LocalCluster

    monkeypatch.setattr(runs, "_train", train_and_tell_where)
    X, Y = examples(np.float32, num_examples=60)
    parts, rates = (X[:40], Y[:40], X[40:], Y[40:]), {2: [0.1, 0.2], 10: [0.2, 0.4]}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        there, there_rows = learning_rate_grid(*parts, rates, epochs=[2])
    here, here_rows = learning_rate_grid(*parts, rates, epochs=[2], n_jobs=1)
    assert os.getpid() not in set(there_rows["process"])
    assert set(here_rows["process"]) == {os.getpid()}
    pd.testing.assert_frame_equal(there, here)


def test_updates_to_target_stops_at_the_first_look_at_or_below_it(monkeypatch):
    monkeypatch.setattr(study, "_until_target", study._until_target.func)
    X, Y = examples(num_examples=60)
    parts = X[:40], Y[:40], X[40:], Y[40:]
    target = 0.9
    rows = study.updates_to_target(
        *parts, {1: [0.05], 8: [0.4]}, target=target, seeds=[0, 1], num_epochs=20, n_jobs=1
    )
    assert {0, 1} == set(rows["seed"]) and set(rows["batch_size"]) == {1, 8}
    run = rows[np.isfinite(rows["updates"])].iloc[0]
    settings = dict(batch_size=int(run.batch_size), learning_rate=run.learning_rate)
    history = train_classifier(
        *parts[:2],
        **settings,
        seed=int(run.seed),
        num_epochs=20,
        checkpoints=range(int(run.updates) + 1),
    )
    losses = [
        loss(W, b, *parts[2:])
        for W, b in zip(history.W_checkpoints, history.b_checkpoints, strict=True)
    ]
    assert losses[int(run.updates)] <= target
    earlier = [look for look in {int(1.1**k) for k in range(60)} if look < run.updates]
    assert all(losses[look] > target for look in earlier)
    assert run.examples == run.updates * run.batch_size


def test_a_target_out_of_reach_takes_infinitely_many_updates(monkeypatch):
    monkeypatch.setattr(study, "_until_target", study._until_target.func)
    X, Y = examples()
    settings = dict(batch_size=5, learning_rate=0.1, seed=0, num_epochs=2)
    assert study._until_target(X, Y, X, Y, None, 0.0, settings) == (np.inf, np.inf)
    rows = study.updates_to_target(
        X, Y, X, Y, {5: [0.1, 0.2]}, target=0.0, seeds=[0, 1], num_epochs=1, n_jobs=1
    )
    assert len(rows) == 4  # no search for a best rate where none gets there
    assert np.isinf(rows[["updates", "examples"]]).all(axis=None)


# What else belongs to the study


def test_decaying_rate_halves_at_its_half_life():
    rates = [study.decaying_rate(t, initial=0.4, half_life=100) for t in (0, 100, 300)]
    assert rates == pytest.approx([0.4, 0.2, 0.1])


def test_calibration_takes_time_and_names_the_threads():
    machine = study.calibration()
    assert machine["seconds"] > 0 and machine["BLAS threads"] >= 1 and machine["cores"] >= 1


# The learning-rate choice and the number of iterations


@pytest.fixture
def not_cached(monkeypatch):
    """Make every run anew, and leave nothing on disk."""
    monkeypatch.setattr(runs, "_train", runs._train.func)


def test_the_grid_holds_the_validation_loss_of_each_run_and_grows_until_the_best_is_inside(
    not_cached,
):
    X, Y = examples(num_examples=60)
    parts = X[:40], Y[:40], X[40:], Y[40:]
    rates = {10: [0.001, 0.002], 2: [4.0]}
    grid, rows = learning_rate_grid(
        *parts, rates, epochs=[1, 3], seeds=[1], n_jobs=1, reg_lambda=1e-3
    )
    assert grid.columns.tolist() == ["batch_size", "learning_rate", "seed", "validation_loss"]
    assert rows["epoch"].unique().tolist() == [0, 1, 3]
    best = best_learning_rates(grid, "validation_loss")
    for batch_size, of_size in grid.groupby("batch_size"):
        rates = of_size["learning_rate"].to_numpy()
        np.testing.assert_allclose(rates[1:] / rates[:-1], 2)
        assert rates[0] < best[batch_size] < rates[-1]
    assert {0.001, 0.002} < {*grid.query("batch_size == 10")["learning_rate"]}
    assert 4.0 in set(grid.query("batch_size == 2")["learning_rate"])
    for run in grid.iloc[[0, -1]].itertuples():
        history = train_classifier(
            *parts[:2],
            batch_size=int(run.batch_size),
            learning_rate=run.learning_rate,
            num_epochs=3,
            reg_lambda=1e-3,
            seed=1,
        )
        validation_loss = loss(history.W, history.b, *parts[2:])
        assert run.validation_loss == pytest.approx(validation_loss)


@pytest.mark.filterwarnings("ignore:SGD diverged")
def test_a_run_that_diverged_has_an_infinite_validation_loss(not_cached):
    X, Y = examples()
    rates = {1: [0.125, 0.25, 100.0]}
    grid, _ = learning_rate_grid(X, Y, X, Y, rates, epochs=[20], reg_lambda=1.0, n_jobs=1)
    assert grid.set_index("learning_rate")["validation_loss"][100.0] == np.inf
    assert best_learning_rates(grid, "validation_loss")[1] < 100


def test_the_best_learning_rate_has_the_lowest_score_over_seeds():
    rows = pd.DataFrame(
        [
            *[(1, 0.1, 4), (1, 0.1, 4), (1, 0.2, 3), (1, 0.2, np.inf)],
            *[(10, 0.1, 6), (10, 0.1, 7), (10, 0.2, 5), (10, 0.2, 6)],
        ],
        columns=["batch_size", "learning_rate", "updates"],
    )
    assert best_learning_rates(rows, "updates").to_dict() == {1: 0.1, 10: 0.2}


@pytest.mark.parametrize(
    ("gaps", "iteration"),
    [
        ([9, 0.5, 0.4, 0.3], 10),
        ([9, 0.5, 2, 0.3], 30),
        ([0.5, 0.4, 0.3, 0.2], 0),
        ([9, 8, 7, 1], np.nan),
        ([9, 0.5, 0.4, np.nan], np.nan),
    ],
    ids=["stays below", "comes back above", "from the start", "never", "not finite"],
)
def test_a_run_has_converged_where_its_gap_stays_below_the_tolerance(gaps, iteration):
    rows = pd.DataFrame(dict(batch_size=4, iteration=[0, 10, 20, 30], gap=gaps))
    other = pd.DataFrame(dict(batch_size=8, iteration=[0, 5], gap=[2, 0]))
    found = iterations_to_converge(pd.concat([rows, other]), 1)
    np.testing.assert_array_equal(found[[4, 8]], [iteration, 5])

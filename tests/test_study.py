"""What the table of runs says, on small data whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import study
from helpers.sgd import train_classifier
from helpers.softmax import loss
from helpers.study import best_learning_rates, iterations_to_converge, learning_rate_grid


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache for the runs of a test."""
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path))


def examples(dtype=float, num_examples=30):
    """X with four features and Y with three classes that overlap."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=num_examples)
    X = rng.normal(size=(num_examples, 4)) + np.eye(3, 4)[classes]
    return X.astype(dtype), np.eye(3, dtype=dtype)[classes]


# Updates to a target


def test_updates_to_target_stops_at_the_first_look_at_or_below_it():
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


def test_a_target_out_of_reach_takes_infinitely_many_updates():
    X, Y = examples()
    rows = study.updates_to_target(
        X, Y, X, Y, {5: [0.1, 0.2]}, target=1e-9, seeds=[0, 1], num_epochs=1, n_jobs=1
    )
    assert len(rows) == 4  # no search for a best rate where none gets there
    assert np.isinf(rows[["updates", "examples"]]).all(axis=None)
    with pytest.raises(ValueError, match="batch size 5 the updates is infinite at every"):
        best_learning_rates(rows, "updates")


@pytest.mark.parametrize("target", [1.1, 2.0])
def test_a_target_that_is_met_at_the_start_is_an_error(target):
    X, Y = examples()
    with pytest.raises(ValueError, match="before the first update: expected a target below"):
        study.updates_to_target(X, Y, X, Y, {5: [0.1]}, target=target, seeds=[0], num_epochs=1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (dict(learning_rates={64: [0.1]}), "batch_size is 64, expected an integer from 1 to 30"),
        (dict(learning_rates={2.5: [0.1]}), "a batch size in learning_rates is 2.5"),
        (dict(target=0), "target is 0, expected a positive number"),
        (dict(target="low"), "target is 'low'"),
        (dict(num_epochs=0), "num_epochs is 0"),
        (dict(reduction="average"), "reduction is 'average'"),
        (dict(engine="nump"), "engine is 'nump'"),
    ],
)
def test_a_search_for_a_target_refuses_what_train_classifier_refuses(wrong, words):
    X, Y = examples()
    given = dict(learning_rates={5: [0.1]}, target=0.5, seeds=[0], num_epochs=1) | wrong
    with pytest.raises(ValueError, match=words):
        study.updates_to_target(X, Y, X, Y, **given)


# What else belongs to the study


def test_decaying_rate_halves_at_its_half_life():
    rates = [study.decaying_rate(t, initial=0.4, half_life=100) for t in (0, 100, 300)]
    assert rates == pytest.approx([0.4, 0.2, 0.1])


def test_calibration_takes_time_and_names_the_threads():
    machine = study.calibration()
    assert machine["seconds"] > 0 and machine["BLAS threads"] >= 1 and machine["cores"] >= 1


# The learning-rate choice and the number of iterations


def test_the_grid_holds_the_validation_loss_of_each_run_and_grows_until_the_best_is_inside():
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
def test_a_run_that_diverged_has_an_infinite_validation_loss():
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


@pytest.mark.parametrize("rates", [[0.1, 0.2], [0.1]])
def test_a_search_among_equals_ends(rates):
    # Without an image there is nothing to learn, and without a bias every rate does the same.
    X, Y = examples()
    common = dict(epochs=[1], n_jobs=1, fit_bias=False)
    grid, _ = learning_rate_grid(X * 0, Y, X * 0, Y, {5: rates}, **common)
    assert len(grid) <= 3 and grid["validation_loss"].nunique() == 1


@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, np.inf]), min_size=1, max_size=6),
    st.sets(st.integers(0, 5), min_size=1, max_size=3),
)
def test_a_search_ends_and_measures_what_is_beside_the_best(scores, first):
    def score(rate):
        return scores[int(np.clip(np.log2(rate), 0, len(scores) - 1))]

    def measure(settings):
        rows = pd.DataFrame(settings)
        return rows.assign(score=rows["learning_rate"].map(score))

    table = study._search(measure, {7: [2.0**k for k in first]}, [0, 1], {}, "score")
    tried = set(table["learning_rate"])
    assert len(table) == 2 * len(tried) <= 2 * (len(scores) + len(first) + 6)
    if np.isfinite(table["score"]).any():
        best = best_learning_rates(table, "score")[7]
        higher = [rate for rate in tried if rate > best]
        assert higher  # the best one is inside, or as good as the next higher one
        assert best > min(tried) or score(best) == score(min(higher))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (dict(learning_rates={}), "learning_rates are {}, expected a dictionary"),
        (dict(learning_rates=[0.1, 0.2]), "expected a dictionary of rates by batch size"),
        (dict(learning_rates={5: []}), r"learning_rates\[5\] is \[\], expected rates"),
        (dict(learning_rates={5: 0.1}), r"learning_rates\[5\] is 0.1, expected rates"),
        (dict(learning_rates={5: ["0.1"]}), "a rate for B = 5 is '0.1', expected a positive"),
        (dict(learning_rates={5: [0.1, -1]}), "a rate for B = 5 is -1"),
        (dict(learning_rates={50: [0.1]}), "batch_size is 50, expected an integer from 1 to 30"),
        (dict(seeds=[]), "seeds hold no seed"),
        (dict(seeds=3), r"seeds is 3, expected seeds of at least 0, such as \[1\]"),
        (dict(seeds=[-1]), "seeds hold -1, expected seeds of at least 0"),
        (dict(epochs=[]), "epochs hold no epoch"),
        (dict(epochs=3), r"epochs is 3, expected epochs .* such as"),
        (dict(epochs=[0.5]), "epochs hold 0.5"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(wrong, words):
    X, Y = examples()
    given = dict(learning_rates={5: [0.1]}, epochs=[1]) | wrong
    with pytest.raises(ValueError, match=words):
        learning_rate_grid(X, Y, X, Y, **given)


@pytest.mark.filterwarnings("ignore:SGD diverged")
def test_where_all_rates_diverged_there_is_no_best_one():
    X, Y = examples()
    grid, _ = learning_rate_grid(X, Y, X, Y, {1: [1.0, 2.0]}, epochs=[20], reg_lambda=1e4)
    assert np.isinf(grid["validation_loss"]).all() and len(grid) == 2
    with pytest.raises(
        ValueError, match=r"batch size 1 the validation_loss is infinite at every.*smaller"
    ):
        best_learning_rates(grid, "validation_loss")


scores = st.lists(
    st.tuples(st.sampled_from([1, 10]), st.sampled_from([0.1, 0.2, 0.4]), st.floats(0.01, 100)),
    min_size=1,
    max_size=20,
)


@given(scores)
def test_no_rate_has_a_lower_arithmetic_mean_than_the_best_one(rows):
    table = pd.DataFrame(rows, columns=["batch_size", "learning_rate", "loss"])
    best = best_learning_rates(table, "loss")
    for batch_size, of_size in table.groupby("batch_size"):
        means = {rate: np.mean(runs) for rate, runs in of_size.groupby("learning_rate")["loss"]}
        assert means[best[batch_size]] == pytest.approx(min(means.values()))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (pd.DataFrame(), "the table has 0 rows"),
        (pd.DataFrame({"batch_size": [1], "loss": [2.0]}), "expected .* learning_rate, loss"),
        (
            pd.DataFrame({"batch_size": 1, "learning_rate": 0.1, "loss": [1.0, np.nan]}),
            "loss is NaN with batch size 1 at learning rate 0.1",
        ),
    ],
)
def test_a_table_that_has_no_best_rate_is_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        best_learning_rates(rows, "loss")


@pytest.mark.parametrize("tolerance", [0, np.nan, None])
def test_convergence_needs_a_table_and_a_tolerance(tolerance):
    rows = pd.DataFrame({"batch_size": [1], "iteration": [0], "gap": [1.0]})
    with pytest.raises(ValueError, match="tolerance is"):
        iterations_to_converge(rows, tolerance)
    with pytest.raises(ValueError, match="0 rows and the columns batch_size"):
        iterations_to_converge(rows[:0], 0.1)


def test_the_optimum_is_kept(monkeypatch):
    X, Y = examples()
    W = study.optimum(X, Y, 0.1)[0]
    monkeypatch.setattr(study.landscape, "minimize", None)
    np.testing.assert_array_equal(study.optimum(X, Y, 0.1)[0], W)

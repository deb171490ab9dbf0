"""Tidy rows, and the optimum against which runs are measured."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from helpers import study
from helpers.data import load_mnist
from helpers.landscape import optimum
from helpers.sgd import train_classifier
from helpers.softmax import gradient, loss
from helpers.study import (
    best_learning_rates,
    iterations_to_converge,
    learning_rate_grid,
    tidy,
)

COLUMNS = ["iteration", "train_loss", "test_accuracy", "seconds"]


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


# The learning-rate choice and the number of iterations


@pytest.fixture
def not_cached(monkeypatch):
    """Make every run anew, and leave nothing on disk."""
    monkeypatch.setattr(study, "_train", study._train.func)


def test_the_grid_holds_the_validation_loss_of_each_run_and_grows_until_the_best_is_inside(
    not_cached,
):
    X, Y = examples(num_examples=60)
    parts = X[:40], Y[:40], X[40:], Y[40:]
    settings = dict(num_epochs=3, reg_lambda=1e-3, seed=1)
    grid, _ = learning_rate_grid(*parts, {10: [0.001, 0.002], 2: [4.0]}, n_jobs=1, **settings)
    assert grid.columns.tolist() == ["batch_size", "learning_rate", "validation_loss"]
    best = best_learning_rates(grid, "validation_loss")
    for batch_size, runs in grid.groupby("batch_size"):
        rates = runs["learning_rate"].to_numpy()
        np.testing.assert_allclose(rates[1:] / rates[:-1], 2)
        assert rates[0] < best[batch_size] < rates[-1]
    assert {0.001, 0.002} < {*grid.query("batch_size == 10")["learning_rate"]}
    assert 4.0 in set(grid.query("batch_size == 2")["learning_rate"])
    for run in grid.iloc[[0, -1]].itertuples():
        history = train_classifier(
            *parts[:2],
            batch_size=int(run.batch_size),
            learning_rate=run.learning_rate,
            **settings,
        )
        validation_loss = loss(history.W, history.b, *parts[2:])
        assert run.validation_loss == pytest.approx(validation_loss)


@pytest.mark.filterwarnings("ignore:SGD diverged")
def test_a_run_that_diverged_has_an_infinite_validation_loss(not_cached):
    X, Y = examples()
    rates = {1: [0.125, 0.25, 100.0]}
    grid, _ = learning_rate_grid(X, Y, X, Y, rates, num_epochs=20, reg_lambda=1.0, n_jobs=1)
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


# optimum


def test_the_optimum_without_information_in_the_images_is_the_class_frequencies():
    counts = [5, 3, 2]
    Y = np.eye(3)[np.repeat([0, 1, 2], counts)]
    W, b, lowest = optimum(np.zeros((10, 4)), Y, 1e-3)
    frequencies = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(W, 0, atol=1e-6)
    np.testing.assert_allclose(np.exp(b) / np.exp(b).sum(), frequencies, rtol=1e-4)
    assert lowest == pytest.approx(-(frequencies * np.log(frequencies)).sum(), rel=1e-8)


@pytest.mark.parametrize("reg_lambda", [1.0, 1e-2, 1e-4])
def test_the_optimum_agrees_with_gradient_descent(reg_lambda):
    X, Y = examples()
    W, _, lowest = optimum(X, Y, reg_lambda)
    W_descent, b_descent = np.zeros((4, 3)), np.zeros(3)
    for _ in range(20_000):
        dW, db = gradient(W_descent, b_descent, X, Y, reg_lambda)
        W_descent, b_descent = W_descent - 0.5 * dW, b_descent - 0.5 * db
    assert lowest == pytest.approx(loss(W_descent, b_descent, X, Y, reg_lambda), abs=1e-8)
    np.testing.assert_allclose(W, W_descent, atol=0.01)


def test_nothing_in_float64_gets_below_the_optimum_of_a_part_of_mnist():
    # Not a multiple of the 1,000 examples that are summed at once.
    X, Y = (array[:1_500] for array in load_mnist()[:2])
    W, b, lowest = optimum(X, Y, 1e-2)
    assert W.dtype == b.dtype == float and W.shape == (784, 10) and b.shape == (10,)
    X, Y = X.astype(float), Y.astype(float)
    assert lowest == pytest.approx(loss(W, b, X, Y, 1e-2), rel=1e-7)
    assert max(np.abs(part).max() for part in gradient(W, b, X, Y, 1e-2)) < 2e-5

    def objective(parameters):
        W, b = parameters[:-10].reshape(784, 10), parameters[-10:]
        dW, db = gradient(W, b, X, Y, 1e-2)
        return loss(W, b, X, Y, 1e-2), np.concatenate([dW.ravel(), db])

    # On from there, with the tested loss and gradient; the objective is convex.
    further = minimize(
        objective,
        np.concatenate([W.ravel(), b]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 100, "ftol": 0, "gtol": 0},
    )
    assert lowest - further.fun < 1e-6


def test_no_run_of_sgd_gets_below_the_optimum():
    X, Y = examples(np.float32)
    _, _, lowest = optimum(X, Y, 1e-2)
    history = train_classifier(
        X, Y, batch_size=30, learning_rate=0.5, num_epochs=2000, reg_lambda=1e-2
    )
    gap = history.train_loss - lowest
    assert gap.min() > -1e-6
    assert gap[-1] < 1e-5


def test_the_optimum_leaves_its_arguments_alone():
    X, Y = examples()
    X.flags.writeable = Y.flags.writeable = False
    optimum(X, Y, 1e-2)


@pytest.mark.parametrize("reg_lambda", [0, -1e-3, np.nan])
def test_an_optimum_needs_a_penalty(reg_lambda):
    with pytest.raises(ValueError, match=f"reg_lambda is {reg_lambda}, expected a positive"):
        optimum(*examples(), reg_lambda)


def test_an_optimum_refuses_examples_that_do_not_fit_together():
    X, Y = examples()
    with pytest.raises(ValueError, match=r"X is \(30, 4\), Y \(29, 3\)"):
        optimum(X, Y[:-1], 1e-3)
    with pytest.raises(ValueError, match="preprocess_data"):
        optimum((X * 9).astype(np.uint8), Y, 1e-3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_optimum_that_was_not_reached_is_an_error():
    X, Y = examples()
    with pytest.raises(RuntimeError, match="L-BFGS stopped with a gradient of nan"):
        optimum(X * np.nan, Y, 1e-3)

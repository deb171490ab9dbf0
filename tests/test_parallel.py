"""Runs side by side give what they give one after the other."""

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from helpers.support.parallel import run_all
from helpers.sgd import train_classifier

rng = np.random.default_rng(0)
X = (rng.random((500, 30)) * (rng.random((500, 30)) < 0.3)).astype(np.float32)
Y = np.eye(4, dtype=np.float32)[rng.integers(4, size=500)]
SETTINGS = [
    dict(batch_size=batch_size, learning_rate=0.1, num_epochs=3, engine=engine)
    for batch_size in (1, 10, 100)
    for engine in ("numpy", "numba")
]


def blas_threads():
    """The number of threads of each BLAS that is loaded (SciPy brings its own)."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", "loky", "sequential"])
def test_histories_are_those_of_runs_alone_in_order(backend):
    before = blas_threads()
    with joblib.parallel_config(backend, n_jobs=2):
        settings = [dict(each, X_test=X[:50], Y_test=Y[:50]) for each in SETTINGS]
        histories = run_all(train_classifier, settings, X, Y, n_jobs=None)
    assert len(histories) == len(SETTINGS)
    for history, settings in zip(histories, SETTINGS, strict=True):
        expected = train_classifier(X, Y, X_test=X[:50], Y_test=Y[:50], **settings)
        np.testing.assert_array_equal(history.W, expected.W)
        np.testing.assert_array_equal(history.minibatch_loss, expected.minibatch_loss)
        np.testing.assert_array_equal(history.test_accuracy, expected.test_accuracy)
    assert blas_threads() == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_blas_has_one_thread_within_and_its_threads_back_afterwards(n_jobs):
    before, within = blas_threads(), set()

    def learning_rate(iteration):
        within.update(blas_threads())
        return 0.1

    settings = dict(batch_size=100, learning_rate=learning_rate, num_epochs=2)
    run_all(train_classifier, [settings] * 4, X, Y, n_jobs=n_jobs)
    assert within == {1}
    assert blas_threads() == before


def test_error_of_a_run_is_the_callers():
    with pytest.raises(ValueError, match="batch_size is 0"):
        run_all(train_classifier, [SETTINGS[0], dict(SETTINGS[0], batch_size=0)], X, Y)


def test_no_settings_no_histories():
    assert run_all(train_classifier, [], X, Y) == []

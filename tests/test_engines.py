"""The engines make the same updates; the hand-coded one is the reference."""

import os
import subprocess
import sys
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from helpers import softmax
from helpers.data import load_mnist
from helpers.engines import csr, load_logits, prepare
from helpers.runs import train_all
from helpers.support.arrays import derived, read_only
from helpers.sgd import train_classifier

ROOT = Path(__file__).parent.parent


@cache
def examples(num_examples=2000, dtype=float):
    mnist = load_mnist()
    return mnist.X_train[:num_examples].astype(dtype), mnist.Y_train[:num_examples].astype(dtype)


def train(engine, X, Y, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that a run diverged
        return train_classifier(X, Y, engine=engine, **({"reg_lambda": 1e-2} | settings))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("fit_bias", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 7, 10, 100, 1000])
def test_2000_updates_give_the_weights_of_the_hand_coded_engine(
    batch_size, reduction, fit_bias, shuffle
):
    X, Y = examples()
    settings = dict(
        batch_size=batch_size,
        learning_rate=0.05 if reduction == "mean" else 0.05 / batch_size,
        num_iterations=2000,
        reduction=reduction,
        fit_bias=fit_bias,
        shuffle=shuffle,
        checkpoints=[500],
    )
    if batch_size == 1000:  # 75 pixels are enough, and quick
        X = X[:, 250:550:4]
    expected, history = train("numpy", X, Y, **settings), train("numba", X, Y, **settings)
    for name in ("W", "b", "W_checkpoints", "b_checkpoints", "train_loss", "minibatch_loss"):
        np.testing.assert_allclose(
            getattr(history, name), getattr(expected, name), rtol=0, atol=1e-10, err_msg=name
        )
    np.testing.assert_array_equal(history.iteration, expected.iteration)
    if not fit_bias:
        assert not history.b.any()


def test_float32_is_as_near_to_float64_as_the_hand_coded_engine():
    settings = dict(batch_size=10, learning_rate=0.05, num_iterations=2000, checkpoints=[])
    exact = train("numpy", *examples(), **settings)
    by_hand = train("numpy", *examples(dtype=np.float32), **settings)
    compiled = train("numba", *examples(dtype=np.float32), **settings)
    assert compiled.W.dtype == compiled.b.dtype == np.float32
    for name in ("W", "b", "minibatch_loss"):
        errors = [
            np.abs(getattr(h, name) - getattr(exact, name)).max() for h in (by_hand, compiled)
        ]
        assert errors[1] <= 3 * errors[0] + 1e-7, name


@pytest.mark.parametrize("num_classes", [1, 2, 16, 17, 40])
def test_any_number_of_features_and_classes(num_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 300)) * (rng.random((50, 300)) < 0.3)
    X[3] = 0  # an example without any pixel
    Y = np.eye(num_classes)[rng.integers(num_classes, size=50)]
    initial = rng.normal(size=(300, num_classes)), rng.normal(size=num_classes)
    settings = dict(batch_size=4, learning_rate=0.3, num_epochs=5, initial=initial)
    expected, history = train("numpy", X, Y, **settings), train("numba", X, Y, **settings)
    np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-12)
    np.testing.assert_allclose(history.b, expected.b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_classes", [1, 10, 16, 17, 40])
def test_logits_over_lists_are_those_of_the_product(num_classes, dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(50, 300)) * (rng.random((50, 300)) < 0.3)).astype(dtype)
    X[3], X[4, 1:], X[5, 2:] = 0, 0, 0  # no pixel, at most one, at most two
    W = rng.normal(size=(300, num_classes)).astype(dtype)
    b = rng.normal(size=num_classes).astype(dtype)
    found = load_logits("numba")(W, b, read_only(X))
    assert found.dtype == dtype
    # Rounding of a sum of some ninety products, the largest of them about ten.
    error = 90 * 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(found, X @ W + b, rtol=0, atol=error)


def test_logits_without_lists_are_those_of_the_product():
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(50, 20)), rng.normal(size=(20, 3)), np.ones(3)
    few = X * (X > 1)
    for images in few, read_only(X), read_only(few.astype(np.float32)), read_only(few.astype("f2")):
        expected = images @ W + b
        np.testing.assert_array_equal(load_logits("numba")(W, b, images), expected)


@pytest.mark.parametrize("dtype, error", [(np.float32, 1e-6), (np.float64, 1e-13)])
def test_checkpoints_of_the_compiled_engine_are_those_of_loss_and_accuracy(dtype, error):
    X, Y = examples(dtype=dtype)
    history = train(
        "numba", X, Y, batch_size=10, learning_rate=0.1, num_epochs=2, X_test=X[:99], Y_test=Y[:99]
    )
    for i, (W, b) in enumerate(zip(history.W_checkpoints, history.b_checkpoints, strict=True)):
        assert abs(history.train_loss[i] - softmax.loss(W, b, X, Y, 1e-2)) < error
        assert history.test_accuracy[i] == softmax.accuracy(W, b, X[:99], Y[:99])


@pytest.mark.parametrize("batch_size", [3, 16, 40])
def test_images_without_zeros(batch_size):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 20)), np.eye(3)[rng.integers(3, size=50)]
    settings = dict(batch_size=batch_size, learning_rate=0.3, num_epochs=20)
    expected, history = train("numpy", X, Y, **settings), train("numba", X, Y, **settings)
    np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-12)


def test_last_minibatch_may_be_short():
    X, Y = examples()
    settings = dict(batch_size=7, learning_rate=0.1, num_epochs=3)
    expected = train("numpy", X[:17], Y[:17], **settings)
    history = train("numba", X[:17], Y[:17], **settings)
    assert list(history.iteration) == [0, 3, 6, 9]
    np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-12)


def test_learning_rate_that_changes_and_arguments_that_do_not():
    X, Y = examples()
    W, b = np.full((784, 10), 0.01), np.arange(10.0)
    for array in (X, Y, W, b):
        array.setflags(write=False)
    settings = dict(batch_size=10, num_iterations=300, initial=(W, b))
    settings["learning_rate"] = lambda iteration: 0.1 / (1 + iteration)
    expected, history = train("numpy", X, Y, **settings), train("numba", X, Y, **settings)
    np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-12)
    assert (W == 0.01).all() and (b == np.arange(10)).all()


# The penalty multiplies W by 1 − learning_rate · λ: 1, small, 0, or with another sign.
@pytest.mark.parametrize("reg_lambda", [0, 1.5, 2, 2.5, 3.9])
def test_any_shrinking_of_the_weights(reg_lambda):
    settings = dict(batch_size=10, learning_rate=0.5, num_iterations=400, reg_lambda=reg_lambda)
    expected, history = (train(engine, *examples(), **settings) for engine in ("numpy", "numba"))
    assert history.message == expected.message == ""
    np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "learning_rate, reg_lambda, batch_size",
    [
        (2.5, 1, 10),  # W grows 1.5 times as large in each update
        (0.7, 4, 1),
        (0.5, 10, 100),
        (1e6, 1, 10),
        (1e37, 1e-4, 10),  # the weights themselves are near the end of float32 after one update
        (1e306, 0, 10),
    ],
)
def test_divergence_is_noticed_at_the_same_iteration(dtype, learning_rate, reg_lambda, batch_size):
    if learning_rate > float(np.finfo(dtype).max):
        pytest.skip("is not a number in float32")
    X, Y = examples(500, dtype)
    settings = dict(
        batch_size=batch_size,
        learning_rate=learning_rate,
        reg_lambda=reg_lambda,
        num_iterations=3000,
        checkpoints=range(0, 3000, 400),
    )
    expected, history = train("numpy", X, Y, **settings), train("numba", X, Y, **settings)
    assert history.message == expected.message
    assert "diverged" in history.message or learning_rate > 1e30
    np.testing.assert_array_equal(history.iteration, expected.iteration)
    assert len(history.minibatch_loss) == len(expected.minibatch_loss)
    assert np.isfinite(history.minibatch_loss).all() and np.isfinite(history.W).all()


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_pixel_that_is_not_finite_is_noticed_in_its_minibatch(engine):
    X, Y = examples(100)
    X = X.copy()
    X[37, 400] = np.nan
    *_, minibatch_loss = prepare(
        engine, X, Y, batch_size=10, reg_lambda=0.0, reduction="mean", fit_bias=True
    )(np.zeros((784, 10)), np.zeros(10), np.arange(100), np.full(10, 0.1))
    assert list(np.isfinite(minibatch_loss)) == [True] * 3 + [False]


def test_runs_in_parallel_threads_are_those_made_one_after_the_other():
    X, Y = examples(2000, np.float32)
    batch_sizes = [1, 10, 100, 1000] * 2

    def run(batch_size):
        return train("numba", X, Y, batch_size=batch_size, learning_rate=0.1, num_epochs=3).W

    expected = [run(batch_size) for batch_size in batch_sizes]
    with ThreadPoolExecutor(4) as pool:
        for W, W_expected in zip(pool.map(run, batch_sizes), expected, strict=True):
            np.testing.assert_array_equal(W, W_expected)


def test_number_of_threads_changes_nothing(tmp_path):
    code = """if True:
        import sys
        import numpy as np
        from helpers.sgd import train_classifier
        rng = np.random.default_rng(0)
        X = (rng.random((3000, 784)) * (rng.random((3000, 784)) < 0.2)).astype(np.float32)
        Y = np.eye(10, dtype=np.float32)[rng.integers(10, size=3000)]
        run = train_classifier(
            X, Y, batch_size=1000, learning_rate=0.5, num_epochs=30, engine="numba"
        )
        run.W.tofile(sys.argv[1])
    """
    weights = []
    for threads in ("1", "2"):
        file = tmp_path / threads
        names = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        subprocess.run([sys.executable, "-c", code, file], check=True, env=environment, cwd=ROOT)
        weights.append(np.fromfile(file, np.float32))
    np.testing.assert_allclose(*weights, rtol=0, atol=1e-5)


def test_without_numba_a_plain_message_and_numpy_still_works(monkeypatch):
    monkeypatch.delitem(sys.modules, "helpers.engines.numba_engine")
    monkeypatch.setitem(sys.modules, "numba", None)
    X, Y = examples()
    settings = dict(batch_size=10, learning_rate=0.1, num_iterations=3)
    with pytest.raises(ModuleNotFoundError, match="pip install numba, or use engine='numpy'"):
        train("numba", X, Y, **settings)
    assert len(train("numpy", X, Y, **settings).minibatch_loss) == 3


def test_what_was_compiled_is_kept_on_disk():
    train("numba", *examples(2000, np.float32), batch_size=10, learning_rate=0.1, num_iterations=1)
    code = """if True:
        import numpy as np
        from helpers.engines import numba_engine
        from helpers.sgd import train_classifier
        X, Y = np.ones((1, 4), np.float32), np.ones((1, 1), np.float32)
        train_classifier(X, Y, batch_size=1, learning_rate=0.1, num_epochs=1, engine="numba")
        stats = numba_engine._advance.stats
        assert stats.cache_hits and not stats.cache_misses, stats
    """
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_place_without_a_folder_for_the_cache_compiles_anew():
    code = """if True:
        import numpy as np
        from helpers.engines import csr
        assert csr._row_starts(np.eye(3)).tolist() == [0, 1, 2, 3]
    """
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | nowhere)


def test_float32_does_not_drift_over_a_long_run():
    # Subtracting the images of a minibatch from W one at a time came to 3e-4 here.
    X, Y = load_mnist()[:2]
    runs = [
        train_classifier(
            X,
            Y,
            batch_size=100,
            learning_rate=0.05,
            num_iterations=6000,
            checkpoints=(),
            engine=engine,
        )
        for engine in ("numpy", "numba")
    ]
    assert np.abs(runs[0].W - runs[1].W).max() <= 2e-5  # measured: 2e-6


# What is derived from the images


def images(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((40, 30)) * (rng.random((40, 30)) < 0.3)
    return X, np.eye(3)[rng.integers(3, size=40)]


SETTINGS = dict(batch_size=4, learning_rate=0.3, num_epochs=3)


def assert_the_run_is_that_of_now(X, Y):
    expected = train("numpy", np.array(X), Y, **SETTINGS)
    np.testing.assert_allclose(train("numba", X, Y, **SETTINGS).W, expected.W, rtol=0, atol=1e-12)


def test_images_that_change_between_runs_are_never_taken_for_what_they_were():
    X, Y = images()
    view = X.view()
    view.flags.writeable = False  # of an array that is writable
    switched = X.copy()
    switched.flags.writeable = False
    frame = pd.DataFrame(X.copy())
    for change in range(3):
        assert_the_run_is_that_of_now(view, Y)
        assert_the_run_is_that_of_now(switched, Y)
        assert_the_run_is_that_of_now(frame.to_numpy(), Y)  # read-only since pandas 3
        X[:, change] = 1.0
        frame.iloc[:, change] = 1.0
        switched.flags.writeable = True
        switched[:, change] = 1.0
        switched.flags.writeable = False


def test_the_runs_of_a_study_share_what_is_derived_from_their_images():
    X, Y = images()
    shared = read_only(X)
    assert read_only(shared) is shared
    first = csr.of(shared)
    train("numba", shared, Y, X_test=shared, Y_test=Y, **SETTINGS)
    assert csr.of(shared) is first and csr.of(read_only(X)) is not first
    # It goes with the view, without any help.
    data = weakref.ref(first.data)
    del first, shared
    assert data() is None


def test_the_runs_of_a_study_share_one_csr_for_updates_and_evaluations(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path))
    make, made = csr._make, []
    monkeypatch.setattr(csr, "_make", lambda X: made.append(len(X)) or make(X))
    X, Y = np.eye(8, 5, dtype=np.float32), np.eye(2, dtype=np.float32)[np.arange(8) % 2]
    settings = [
        dict(batch_size=B, learning_rate=0.1, num_epochs=2, engine="numba") for B in (1, 2, 4)
    ]
    train_all(settings, X, Y, X[:3], Y[:3])
    assert sorted(made) == [3, 8]


def test_a_view_of_our_own_can_be_told_from_all_others():
    X, _ = images()
    shared = read_only(X)
    with pytest.raises(ValueError, match="WRITEABLE"):
        shared.flags.writeable = True
    others = X, shared[:5], shared.T, shared.view(), shared.copy(), np.array(shared)
    assert derived(shared) == {}
    assert all(derived(other) is None for other in others)


def test_csr_holds_the_pixels_that_are_not_zero():
    X, _ = images()
    X[3] = 0
    indptr, indices, data, num_features = csr.of(X)
    assert num_features == 30 and indices.max() < 30
    expected = scipy.sparse.csr_array(X)
    np.testing.assert_array_equal(indptr, expected.indptr)
    np.testing.assert_array_equal(indices, expected.indices)
    np.testing.assert_array_equal(data, expected.data)


def test_compiled_code_never_meets_weights_of_another_width():
    X, Y = images()
    advance = prepare("numba", X, Y, batch_size=4, reg_lambda=0.0, reduction="mean", fit_bias=True)
    with pytest.raises(ValueError, match=r"W is \(29, 3\), expected \(30, 3\)"):
        advance(np.zeros((29, 3)), np.zeros(3), np.arange(4), np.ones(1))

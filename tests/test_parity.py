"""One trajectory in every engine: the same numbers, whoever makes the updates."""

import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from helpers.data import load_mnist
from helpers.engines import ENGINES, engine_device, prepare
from helpers.sgd import train_classifier

ROOT = Path(__file__).parent.parent
OTHERS = [engine for engine in ENGINES if engine != "numpy"]
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}
# Of 1,030 images, so that the last minibatch is short at B = 100, and 300 updates are more than an
# epoch there and at B = 10.
NUM_EXAMPLES, NUM_UPDATES = 1030, 300

each_engine = pytest.mark.parametrize("engine", OTHERS)
each_batch_size = pytest.mark.parametrize("batch_size", [1, 10, 100])
each_dtype = pytest.mark.parametrize("dtype", list(TOLERANCE), ids=lambda dtype: dtype.__name__)


@cache
def examples(dtype):
    mnist = load_mnist()
    X, Y = mnist.X_train[:NUM_EXAMPLES].astype(dtype), mnist.Y_train[:NUM_EXAMPLES].astype(dtype)
    X.flags.writeable = Y.flags.writeable = False
    return X, Y


def random_start():
    rng = np.random.default_rng(1)
    return rng.normal(scale=0.1, size=(784, 10)), rng.normal(size=10)


def train(engine, dtype, **settings):
    defaults = dict(
        batch_size=10,
        learning_rate=0.1,
        num_iterations=NUM_UPDATES,
        reg_lambda=1e-2,
        initial=random_start(),
        checkpoints=[1, 100],
        engine=engine,
    )
    return train_classifier(*examples(dtype), **defaults | settings)


def assert_the_same(history, expected, dtype):
    assert history.W.dtype == history.b.dtype == dtype
    np.testing.assert_array_equal(history.iteration, expected.iteration)
    for name in ("W_checkpoints", "b_checkpoints", "minibatch_loss", "train_loss"):
        np.testing.assert_allclose(
            getattr(history, name),
            getattr(expected, name),
            rtol=0,
            atol=TOLERANCE[dtype],
            err_msg=name,
        )


@each_dtype
@each_batch_size
@each_engine
def test_300_updates_from_a_random_start(engine, batch_size, dtype):
    settings = dict(batch_size=batch_size)
    expected = train("numpy", dtype, **settings)
    assert len(expected.minibatch_loss) == NUM_UPDATES
    assert np.abs(expected.W - random_start()[0]).max() > 0.1  # there was something to agree about
    assert_the_same(train(engine, dtype, **settings), expected, dtype)


@each_dtype
@each_batch_size
@each_engine
def test_gradient_that_is_summed_without_bias_in_the_order_of_the_file(engine, batch_size, dtype):
    settings = dict(
        batch_size=batch_size,
        learning_rate=0.1 / batch_size,
        reduction="sum",
        fit_bias=False,
        shuffle=False,
    )
    expected = train("numpy", dtype, **settings)
    history = train(engine, dtype, **settings)
    assert_the_same(history, expected, dtype)
    np.testing.assert_array_equal(history.b, random_start()[1].astype(dtype))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@each_engine
def test_short_last_minibatch_in_every_epoch(engine, reduction):
    settings = dict(
        batch_size=400,
        learning_rate=0.1 if reduction == "mean" else 1e-4,
        reduction=reduction,
        num_iterations=None,
        num_epochs=4,
        checkpoints=None,
    )
    expected = train("numpy", np.float64, **settings)
    assert list(expected.iteration) == [0, 3, 6, 9, 12]
    assert_the_same(train(engine, np.float64, **settings), expected, np.float64)


@each_engine
def test_learning_rate_that_changes(engine):
    settings = dict(learning_rate=lambda iteration: 0.5 / (1 + iteration / 10))
    expected = train("numpy", np.float64, **settings)
    assert_the_same(train(engine, np.float64, **settings), expected, np.float64)


@each_dtype
@each_engine
@pytest.mark.parametrize("reg_lambda, learning_rate", [(1, 2.5), (10, 0.5), (1, 1e6), (0, 1e37)])
def test_divergence_is_noticed_at_the_same_iteration(engine, dtype, reg_lambda, learning_rate):
    settings = dict(
        reg_lambda=reg_lambda,
        learning_rate=learning_rate,
        num_iterations=2500,
        checkpoints=range(0, 2500, 400),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that the run diverged
        expected, history = train("numpy", dtype, **settings), train(engine, dtype, **settings)
    assert history.message == expected.message
    np.testing.assert_array_equal(history.iteration, expected.iteration)
    assert len(history.minibatch_loss) == len(expected.minibatch_loss)


@each_engine
def test_pixels_of_a_precision_that_the_engine_does_not_have(engine):
    with pytest.raises(ValueError, match=f"float16, the engine '{engine}' takes float32 and"):
        train(engine, np.float16)


@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_without_the_framework_a_plain_message(engine, monkeypatch):
    monkeypatch.delitem(sys.modules, f"helpers.engines.{engine}_engine", raising=False)
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {engine}, or use engine='numpy'"):
        train(engine, np.float32)


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_says_which_device_it_runs_on(engine):
    expected = {"CPU", "GPU"} if engine in ("torch", "tensorflow") else {"CPU"}
    assert engine_device(engine) in expected


@pytest.mark.slow
def test_tensorflow_builds_no_graph_within_the_clock_and_one_for_all_runs_of_a_kind(monkeypatch):
    from helpers.engines import tensorflow_engine

    original, built = tensorflow_engine.tf.nn.softmax_cross_entropy_with_logits, []

    def counting(labels, logits):  # is only run while a graph is built
        built.append(logits.shape[0])
        return original(labels=labels, logits=logits)

    monkeypatch.setattr(tensorflow_engine.tf.nn, "softmax_cross_entropy_with_logits", counting)
    X, Y = examples(np.float32)
    W, b = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    settings = dict(batch_size=400, reg_lambda=0.1, reduction="sum", fit_bias=True)
    for _ in range(3):
        advance = prepare("tensorflow", X, Y, **settings)
        before = len(built)
        advance(W, b, np.arange(1030), np.full(3, 0.1, np.float32))
        assert len(built) == before
    assert len(built) <= 1


@pytest.mark.slow
def test_models_of_any_shape_share_a_process():
    rng = np.random.default_rng(0)
    for num_features, num_classes in [(4, 3), (1, 2), (2, 1), (3, 4), (1, 1)]:
        X, Y = rng.random((9, num_features)), np.eye(num_classes)[rng.integers(num_classes, size=9)]
        settings = dict(batch_size=2, learning_rate=0.1, num_epochs=2)
        history = train_classifier(X, Y, **settings, engine="tensorflow")
        expected = train_classifier(X, Y, **settings, engine="numpy")
        np.testing.assert_allclose(history.W, expected.W, rtol=0, atol=1e-14)


@pytest.mark.slow
def test_tensorflow_keeps_nothing_of_a_run():
    code = """if True:
        import gc
        import numpy as np
        from helpers.sgd import train_classifier

        def memory():
            gc.collect()
            return int(open("/proc/self/statm").read().split()[1]) * 4096

        rng = np.random.default_rng(0)
        X, Y = rng.random((50, 20)), np.eye(3)[rng.integers(3, size=50)]
        for run in range(60):
            if run == 10:
                before = memory()
            train_classifier(X[run % 7:], Y[run % 7:], batch_size=7, learning_rate=0.1 + run / 100,
                reg_lambda=run / 100, num_epochs=2, engine="tensorflow")
        kept = (memory() - before) / 50
        assert kept < 30_000, kept  # of each run; measured: 4,000, with a graph for each 60,000
    """
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")

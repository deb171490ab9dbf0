"""All engines, on whatever shapes, precisions, layouts and settings, against SGD written here."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from helpers.engines import ENGINES
from helpers.sgd import TrainingInterrupted, train_classifier

FAST = ["numpy", "numba"]
SLOW = [engine for engine in ENGINES if engine not in FAST]
RATES = st.sampled_from([1e2, 1e5, 1e20, 1e35])


def search(num_examples):
    return settings(
        max_examples=num_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def laid_out(X, layout):
    """The same numbers in another layout of memory."""
    if layout == "by column":
        return np.asfortranarray(X)
    if layout == "backward":
        return X[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "with gaps":
        return X.repeat(2, axis=1).repeat(3, axis=0)[::3, ::2]
    if layout == "unaligned":
        records = np.zeros(X.shape, [("other", "u1"), ("pixel", X.dtype)])
        records["pixel"] = X
        return records["pixel"]
    if layout == "byte order":
        return X.astype(X.dtype.newbyteorder())
    if layout == "read-only":
        X = X.copy()
        X.flags.writeable = False
    return X


LAYOUTS = (
    "plain",
    "by column",
    "backward",
    "with gaps",
    "unaligned",
    "byte order",
    "read-only",
)


@st.composite
def cases(draw, large=True):
    """X, Y in float64, a dtype and a layout for X, and settings of a run."""
    num_examples = draw(st.integers(1, 40))
    num_features = draw(st.sampled_from([1, 2, 5, 60] if large else [1, 5]))
    num_classes = draw(st.sampled_from([1, 2, 3, 16, 17] if large else [1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0, 0.2, 0.5, 1]))
    X = rng.uniform(-1, 1, (num_examples, num_features))
    X *= rng.random(X.shape) < density
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    X = X.astype(dtype).astype(float)
    Y = np.eye(num_classes)[rng.integers(num_classes, size=num_examples)]
    shuffle = draw(st.booleans())
    reg_lambda = draw(st.sampled_from([0, 1e-3, 0.1, 3]))
    rate = draw(st.sampled_from([1e-3, 0.03, 0.3, 1, 30]))
    assume(rate * reg_lambda < 1.9)  # else the penalty alone makes the weights grow for ever
    run = dict(
        batch_size=draw(st.integers(1, num_examples)),
        learning_rate=rate,
        reg_lambda=reg_lambda,
        num_iterations=draw(st.integers(1, 60)),
        reduction=draw(st.sampled_from(["mean", "sum"])),
        shuffle=shuffle,
        replace=shuffle and draw(st.booleans()),
        fit_bias=draw(st.booleans()),
        seed=draw(st.integers(0, 5)),
    )
    run["checkpoints"] = draw(st.sets(st.integers(0, run["num_iterations"]), max_size=4))
    if draw(st.booleans()):
        W, b = rng.normal(size=(num_features, num_classes)), rng.normal(size=num_classes)
        run["initial"] = tuple(each.astype(dtype).astype(float) for each in (W, b))
    if draw(st.booleans()):
        run["learning_rate"] = lambda iteration: rate / (1 + iteration / 10)
    return X, Y, dtype, draw(st.sampled_from(LAYOUTS)), run


def reference(X, Y, run, relative_error=0.0):
    """SGD in float64, example by example, on numbers that are wrong by a relative error."""
    rng = np.random.default_rng(run["seed"])
    noise = np.random.default_rng(9)
    n, B = len(X), run["batch_size"]
    W, b = run.get("initial", (np.zeros((X.shape[1], Y.shape[1])), np.zeros(Y.shape[1])))
    X = X * (1 + relative_error * noise.uniform(-1, 1, X.shape))
    reached, losses, position = {0: (W, b)}, [], n
    for t in range(run["num_iterations"]):
        if position >= n:
            position, order = 0, np.arange(n)
            if run["shuffle"]:
                order = rng.integers(n, size=n) if run["replace"] else rng.permutation(n)
        batch = order[position : position + B]
        position += B
        dW, db, loss = np.zeros_like(W), np.zeros_like(b), 0.0
        for x, y in zip(X[batch], Y[batch], strict=True):
            z = x @ W + b
            z = z - z.max()
            p = np.exp(z) / np.exp(z).sum()
            loss += np.log(np.exp(z).sum()) - z @ y
            dW, db = dW + np.outer(x, p - y), db + (p - y)
        losses.append(loss / len(batch))
        count = len(batch) if run["reduction"] == "mean" else 1
        rate = run["learning_rate"]
        rate = rate(t) if callable(rate) else rate
        W = W - rate * (dW / count + run["reg_lambda"] * W)
        W = W * (1 + relative_error * noise.uniform(-1, 1, W.shape))
        if run["fit_bias"]:
            b = (b - rate * db / count) * (1 + relative_error * noise.uniform(-1, 1, b.shape))
        reached[t + 1] = W, b
    return reached, np.array(losses)


def agrees(engine, case):
    X, Y, dtype, layout, run = case
    expected, losses = reference(X, Y, run)
    # What rounding can do to this run is what it does to a twin. Far above stability that is more
    # than the weights themselves: such a run is chaotic, and nothing can be said of its numbers.
    twin, twin_losses = reference(X, Y, run, relative_error=np.finfo(dtype).eps)
    given_X = laid_out(X.astype(dtype), layout)
    history = train_classifier(given_X, Y, engine=engine, **run)
    assert history.stopped == ""
    assert history.W.dtype == history.b.dtype == dtype
    last = run["num_iterations"]
    assert set(history.iteration) == run["checkpoints"] | {0, last}
    assert len(history.minibatch_loss) == last
    np.testing.assert_array_equal(given_X, X)  # nothing was written to
    size = max(np.abs(each).max() for pair in expected.values() for each in pair)
    error = max(
        np.abs(a - b).max() for t in expected for a, b in zip(expected[t], twin[t], strict=True)
    )
    if error > 1e-3 * (1 + size):
        event("chaotic")
        return
    for t, W, b in zip(
        history.iteration, history.W_checkpoints, history.b_checkpoints, strict=True
    ):
        limit = 100 * error + 100 * np.finfo(dtype).eps * (1 + size)
        np.testing.assert_allclose(W, expected[t][0], rtol=0, atol=limit)
        np.testing.assert_allclose(b, expected[t][1], rtol=0, atol=limit)
    scores = 1 + (np.abs(X).sum(axis=1).max() + 1) * size
    limit = 100 * np.abs(losses - twin_losses).max() + 100 * np.finfo(dtype).eps * scores
    np.testing.assert_allclose(history.minibatch_loss, losses, rtol=0, atol=limit)


@pytest.mark.parametrize("engine", FAST)
@search(40)
@given(case=cases())
def test_any_run_agrees_with_plain_sgd(engine, case):
    agrees(engine, case)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", FAST)
@search(1500)
@given(case=cases())
def test_many_runs_agree_with_plain_sgd(engine, case):
    agrees(engine, case)


@pytest.mark.slow
@pytest.mark.parametrize("engine", SLOW)
@search(60)
@given(case=cases(large=False))
def test_any_run_of_a_framework_agrees_with_plain_sgd(engine, case):
    agrees(engine, case)


@pytest.mark.parametrize("engine", FAST)
@search(40)
@given(case=cases(large=False), at=st.integers(0, 59))
def test_an_interrupted_run_is_the_beginning_of_the_whole_one(engine, case, at):
    is_the_beginning(engine, case, at)


@pytest.mark.parametrize("engine", SLOW)
@search(10)
@given(case=cases(large=False), at=st.integers(0, 59))
def test_an_interrupted_run_of_torch_or_tensorflow_is_the_beginning_too(engine, case, at):
    is_the_beginning(engine, case, at)


def is_the_beginning(engine, case, at):
    X, Y, dtype, layout, run = case
    rate = run["learning_rate"]
    X = laid_out(X.astype(dtype), layout)

    def interrupting(iteration):
        if iteration == at:
            raise KeyboardInterrupt
        return rate(iteration) if callable(rate) else rate

    whole = train_classifier(X, Y, engine=engine, **run)
    try:
        history = train_classifier(X, Y, engine=engine, **run | {"learning_rate": interrupting})
    except TrainingInterrupted as interrupt:
        history = interrupt.history
        assert history.stopped == "interrupted" and history.iteration[-1] <= at
    else:
        assert at >= run["num_iterations"]
    last = history.iteration[-1]
    assert len(history.minibatch_loss) == last
    np.testing.assert_array_equal(history.minibatch_loss, whole.minibatch_loss[:last])
    for t, W in zip(history.iteration, history.W_checkpoints, strict=True):
        if t in whole.iteration:
            [row] = np.flatnonzero(whole.iteration == t)
            np.testing.assert_array_equal(W, whole.W_checkpoints[row])


@pytest.mark.parametrize("engine", FAST)
@search(40)
@given(case=cases(large=False), rate=RATES)
def test_a_run_at_any_rate_ends_with_a_history_that_is_finite_or_says_so(engine, case, rate):
    is_finite_or_says_so(engine, case, rate)


@pytest.mark.parametrize("engine", SLOW)
@search(10)
@given(case=cases(large=False), rate=RATES)
def test_a_run_of_torch_or_tensorflow_at_any_rate_ends_so_too(engine, case, rate):
    is_finite_or_says_so(engine, case, rate)


def is_finite_or_says_so(engine, case, rate):
    X, Y, dtype, layout, run = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        history = train_classifier(
            laid_out(X.astype(dtype), layout), Y, engine=engine, **run | {"learning_rate": rate}
        )
    assert history.stopped in ("", "diverged") and bool(history.message) == bool(history.stopped)
    for name in ("W", "b", "train_loss", "minibatch_loss"):
        assert np.isfinite(getattr(history, name)).all()
    assert len(history.minibatch_loss) >= history.iteration[-1]
    if not history.stopped:
        assert history.iteration[-1] == run["num_iterations"] == len(history.minibatch_loss)

"""The lowest point of the objective, its curvature and its noise, against direct computations."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from helpers.data import load_mnist
from helpers.landscape import largest_curvature, noise_scale, optimum
from helpers.sgd import train_classifier
from helpers.softmax import gradient, loss

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4))
Y = np.eye(3)[rng.integers(3, size=20)]
W, b = rng.normal(size=(4, 3)), rng.normal(size=3)


def examples(dtype=float, num_examples=30):
    """X with four features and Y with three classes that overlap."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=num_examples)
    X = rng.normal(size=(num_examples, 4)) + np.eye(3, 4)[classes]
    return X.astype(dtype), np.eye(3, dtype=dtype)[classes]


def flat_gradient(W, b, X, Y, reg_lambda):
    """dW and db as one vector."""
    return np.concatenate([part.ravel() for part in gradient(W, b, X, Y, reg_lambda)])


@pytest.mark.parametrize("reg_lambda", [0.0, 0.3])
def test_noise_scale_is_that_of_the_gradients_of_single_examples(reg_lambda):
    single = [flat_gradient(W, b, X[i : i + 1], Y[i : i + 1], 0.0) for i in range(len(X))]
    trace = np.trace(np.cov(np.array(single).T, bias=True))
    length = np.sum(flat_gradient(W, b, X, Y, reg_lambda) ** 2)
    assert noise_scale(W, b, X, Y, reg_lambda) == pytest.approx(trace / length)


@pytest.mark.parametrize("reg_lambda", [0.0, 0.3])
def test_largest_curvature_is_the_largest_eigenvalue_of_the_hessian(reg_lambda):
    parameters, step = np.concatenate([W.ravel(), b]), 1e-5

    def slope(parameters):
        return flat_gradient(parameters[:12].reshape(4, 3), parameters[12:], X, Y, reg_lambda)

    hessian = [
        (slope(parameters + step * unit) - slope(parameters - step * unit)) / (2 * step)
        for unit in np.eye(15)
    ]
    largest = np.linalg.eigvalsh(hessian).max()
    assert largest_curvature(W, b, X, Y, reg_lambda) == pytest.approx(largest, rel=1e-6)


@pytest.mark.slow
def test_curvature_and_noise_scale_of_mnist_at_the_start():
    X, Y = load_mnist()[:2]
    zero = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    assert largest_curvature(*zero, X, Y) == pytest.approx(3.901, abs=0.001)
    assert noise_scale(*zero, X, Y) == pytest.approx(73, abs=0.5)


# The optimum


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


@pytest.mark.slow
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


@pytest.mark.parametrize("reg_lambda", [0, -1e-3, np.nan, np.inf, None, "1"])
def test_an_optimum_needs_a_penalty(reg_lambda):
    with pytest.raises(ValueError, match=f"reg_lambda is {reg_lambda!r}, expected a positive"):
        optimum(*examples(), reg_lambda)


def test_an_optimum_refuses_examples_that_do_not_fit_together():
    X, Y = examples()
    with pytest.raises(ValueError, match=r"X is \(30, 4\), Y \(29, 3\)"):
        optimum(X, Y[:-1], 1e-3)
    with pytest.raises(ValueError, match="preprocess_data"):
        optimum((X * 9).astype(np.uint8), Y, 1e-3)


def test_an_optimum_that_was_not_reached_is_an_error():
    # In float32 the gradient of a penalty this large is coarser than it has to be.
    with pytest.raises(RuntimeError, match="L-BFGS stopped with a gradient of"):
        optimum(*examples(np.float32), 1e6)


@st.composite
def small_problems(draw):
    """W, b, X, Y and λ of any small shape, pixels in [0, 1] of which many are 0."""
    num_examples, num_features, num_classes = (draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    X = rng.random((num_examples, num_features)) * rng.integers(0, 2, (num_examples, num_features))
    Y = np.eye(num_classes)[rng.integers(num_classes, size=num_examples)]
    W, b = rng.normal(size=(num_features, num_classes)), rng.normal(size=num_classes)
    return W, b, X, Y, draw(st.sampled_from([0.0, 1e-3, 1.0]))


@given(small_problems())
def test_curvature_and_noise_are_those_of_direct_computations_for_all_shapes(problem):
    W, b, X, Y, reg_lambda = problem
    size = W.size

    def slope(parameters):
        W_there, b_there = parameters[:size].reshape(W.shape), parameters[size:]
        return flat_gradient(W_there, b_there, X, Y, reg_lambda)

    here, step = np.concatenate([W.ravel(), b]), 1e-5
    units = step * np.eye(len(here))
    hessian = [(slope(here + unit) - slope(here - unit)) / (2 * step) for unit in units]
    largest = np.linalg.eigvalsh(hessian).max()
    assert largest_curvature(W, b, X, Y, reg_lambda) == pytest.approx(largest, rel=1e-3, abs=1e-6)

    single = [flat_gradient(W, b, X[i : i + 1], Y[i : i + 1], 0.0) for i in range(len(X))]
    trace, length = np.var(single, axis=0).sum(), np.sum(slope(here) ** 2)
    if length > 1e-12:
        scale = noise_scale(W, b, X, Y, reg_lambda)
        assert scale == pytest.approx(trace / length, rel=1e-6, abs=1e-9)


@settings(max_examples=30)
@given(small_problems(), st.sampled_from([1.0, 1e-2, 1e-4]))
def test_no_neighbor_of_an_optimum_is_lower(problem, reg_lambda):
    W, b, X, Y, _ = problem
    W_best, b_best, lowest = optimum(X, Y, reg_lambda)
    assert lowest == pytest.approx(loss(W_best, b_best, X, Y, reg_lambda), rel=1e-9)
    for size in (1e-3, 1e-1, 1.0):
        assert loss(W_best + size * W, b_best + size * b, X, Y, reg_lambda) > lowest - 1e-6


def test_data_frames_are_as_good_as_arrays():
    frames = pd.DataFrame(X), pd.DataFrame(Y)
    assert optimum(*frames, 0.1)[2] == pytest.approx(optimum(X, Y, 0.1)[2])
    assert noise_scale(W, b, *frames) == pytest.approx(noise_scale(W, b, X, Y))
    assert largest_curvature(W, b, *frames) == pytest.approx(largest_curvature(W, b, X, Y))


def test_half_precision_is_computed_in_single():
    small = X.astype(np.float16)
    assert optimum(small, Y, 0.1)[2] == optimum(small.astype(np.float32), Y, 0.1)[2]
    single = largest_curvature(W, b, small.astype(np.float32), Y)
    assert largest_curvature(W, b, small, Y) == single


def test_where_all_probabilities_are_0_or_1_the_objective_is_flat():
    certain = 1e4 * np.eye(4, 3)
    assert largest_curvature(certain, np.zeros(3), np.eye(4)[:3], np.eye(3)) == 0
    assert noise_scale(certain, np.zeros(3), np.eye(4)[:3], np.eye(3)) == np.inf


def refused_by_all_three(X, Y, words):
    with pytest.raises(ValueError, match=words):
        optimum(X, Y, 0.1)
    with pytest.raises(ValueError, match=words):
        noise_scale(W, b, X, Y)
    with pytest.raises(ValueError, match=words):
        largest_curvature(W, b, X, Y)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda X: X * np.nan, "X holds numbers that are not finite"),
        (lambda X: np.abs(X) * 255, r"X holds pixels of size [0-9.]+, expected .*\[0, 1\]"),
        (lambda X: X[:0], r"X is \(0, 4\)"),
        (lambda X: X[0], r"X is \(4,\)"),
        (lambda X: (X * 9).astype(np.uint8), "uint8"),
    ],
    ids=["not finite", "0 to 255", "no rows", "one image", "bytes"],
)
def test_pixels_that_make_no_sense_are_refused_by_all_three(damage, words):
    refused_by_all_three(damage(X), Y, words)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full(Y.shape, "seven"), "Y holds <U5 labels, expected one-hot rows"),
        (2 * Y, "Y is not one-hot: row 0 is"),
    ],
    ids=["words", "not one-hot"],
)
def test_labels_that_make_no_sense_are_refused_by_all_three(labels, words):
    refused_by_all_three(X, labels, words)


def test_parameters_that_are_not_finite_have_no_curvature():
    with pytest.raises(ValueError, match="W holds numbers that are not finite"):
        largest_curvature(W * np.inf, b, X, Y)

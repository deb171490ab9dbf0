"""The noise of the gradient and the curvature, against direct computations."""

import numpy as np
import pytest

from helpers.data import load_mnist
from helpers.landscape import largest_curvature, noise_scale
from helpers.softmax import gradient

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4))
Y = np.eye(3)[rng.integers(3, size=20)]
W, b = rng.normal(size=(4, 3)), rng.normal(size=3)


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


def test_curvature_and_noise_scale_of_mnist_at_the_start():
    X, Y = load_mnist()[:2]
    zero = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    assert largest_curvature(*zero, X, Y) == pytest.approx(3.901, abs=0.001)
    assert noise_scale(*zero, X, Y) == pytest.approx(73, abs=0.5)

"""The objective as a landscape: its lowest point, its curvature, and the noise of its gradient."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, eigsh

from helpers.softmax import log_softmax, logits, softmax
from helpers.support import arguments
from helpers.support.progress import progress_bar
from helpers.support.threads import one_blas_thread

# Examples whose gradient is summed in the precision of the data before it is added up in float64.
CHUNK = 1000
# The objective of pixels from 0 to 255 is so ill-conditioned that L-BFGS gives up, after minutes.
LARGEST_PIXEL = 100


def optimum(
    X: np.ndarray, Y: np.ndarray, reg_lambda: float, progress: bool = True
) -> tuple[np.ndarray, np.ndarray, float]:
    """The minimizer of the training objective, by L-BFGS from zero.

    The objective is strictly convex in W for λ > 0, so that every run of SGD is measured against
    this one number. Products are in the dtype of X, sums over the examples in float64.

    Parameters
    ----------
    X : float array (n, features)
    Y : array (n, classes), one-hot
    reg_lambda : float
        λ > 0. Without a penalty there need not be a minimum.
    progress : bool
        Show a bar that counts the iterations, if they take longer than seconds.

    Returns
    -------
    W : float64 array (features, classes)
    b : float64 array (classes,)
    J : float
        The loss (mean cross-entropy + penalty) there.

    Raises
    ------
    ValueError
        λ that is not a positive number, shapes that do not fit together, or pixels that are not
        finite or far outside of [0, 1].
    RuntimeError
        L-BFGS stopped before the gradient was small.
    """
    reg_lambda = arguments.positive("reg_lambda", reg_lambda)
    X, Y = _checked(X, Y)
    num_features, num_classes = X.shape[1], Y.shape[1]

    def of_chunk(start, W, b):
        X_chunk, Y_chunk = X[start : start + CHUNK], Y[start : start + CHUNK]
        log_probabilities = log_softmax((X_chunk @ W + b).astype(float))
        residual = np.exp(log_probabilities) - Y_chunk
        cross_entropy = -np.vdot(Y_chunk, log_probabilities)
        return cross_entropy, X_chunk.T @ residual.astype(X.dtype), residual.sum(axis=0)

    def objective(parameters):
        W = parameters[:-num_classes].reshape(num_features, num_classes)
        b = parameters[-num_classes:]
        of_chunk_here = partial(of_chunk, W=W.astype(X.dtype), b=b.astype(X.dtype))
        cross_entropy, dW, db = 0.0, np.zeros_like(W), np.zeros_like(b)
        # In the order of the chunks, whichever thread was first: the sums are always the same.
        for part in pool.map(of_chunk_here, range(0, len(X), CHUNK)):
            cross_entropy += part[0]
            dW += part[1]
            db += part[2]
        J = cross_entropy / len(X) + reg_lambda / 2 * np.vdot(W, W)
        return J, np.concatenate([(dW / len(X) + reg_lambda * W).ravel(), db / len(X)])

    # The flatter the objective (small λ), the smaller the gradient must be for the same J − J*.
    # Measured on MNIST, these give six digits of J*; float32 has not much more to give.
    tolerance = min(1e-4 * np.sqrt(reg_lambda), 3e-6)
    with (
        one_blas_thread(),
        ThreadPoolExecutor(os.cpu_count()) as pool,
        progress_bar(None, "Searching for the optimum", "iteration", wanted=progress) as bar,
    ):
        result = minimize(
            objective,
            np.zeros(num_features * num_classes + num_classes),
            jac=True,
            method="L-BFGS-B",
            callback=lambda _: bar.update(),
            # A long memory halves the number of passes over the data (129 instead of 236 on MNIST).
            options=dict(maxcor=150, maxiter=2000, maxfun=4000, ftol=1e-13, gtol=tolerance),
        )
    largest = np.abs(result.jac).max()
    if not largest < 20 * tolerance:
        raise RuntimeError(f"L-BFGS stopped with a gradient of {largest:.1e}: {result.message}")
    W = result.x[:-num_classes].reshape(num_features, num_classes)
    return W, result.x[-num_classes:], float(result.fun)


def noise_scale(
    W: np.ndarray, b: np.ndarray, X: np.ndarray, Y: np.ndarray, reg_lambda: float = 0.0
) -> float:
    """The simple noise scale tr Σ / ‖∇J‖²: noise of the gradient of one example over its mean.

    Σ is the covariance of the gradients of single examples, with respect to W and b, and ∇J the
    gradient of the objective with its penalty. A minibatch much smaller than this has a gradient
    that is mostly noise, one much larger repeats what it knows (McCandlish et al. 2018,
    arXiv:1812.06162). The gradient of one example is x(p − y)ᵀ for W and p − y for b, so its
    squared length is (‖x‖² + 1)‖p − y‖², and tr Σ needs one pass and no gradient of one example.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (n, features)
    Y : array (n, classes), one-hot
    reg_lambda : float

    Returns
    -------
    float
        In examples; infinite where the gradient is 0.

    Raises
    ------
    ValueError
        As `optimum`, for its arrays.
    """
    X, Y = _checked(X, Y, W, b)
    residual = softmax(logits(W, b, X)) - Y
    squares = (np.einsum("ij,ij->i", X, X) + 1) * np.einsum("ij,ij->i", residual, residual)
    with one_blas_thread():  # each further thread would keep 32 MB
        dW, db = X.T @ residual / len(X), residual.mean(axis=0)
    trace = squares.mean(dtype=float) - np.vdot(dW, dW) - np.vdot(db, db)
    dW += reg_lambda * W
    length = float(np.vdot(dW, dW) + np.vdot(db, db))
    return float(trace) / length if length else np.inf


def largest_curvature(
    W: np.ndarray, b: np.ndarray, X: np.ndarray, Y: np.ndarray, reg_lambda: float = 0.0
) -> float:
    """The largest eigenvalue of the Hessian of the objective, by Lanczos iterations.

    Gradient descent on a quadratic of this curvature is stable for learning rates below 2 / it.

    Parameters
    ----------
    W, b, X, Y, reg_lambda
        As for `noise_scale`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `optimum`, for its arrays.
    """
    X, Y = _checked(X, Y, W, b)
    P = softmax(logits(W, b, X))
    (num_features, num_classes), size = W.shape, W.size

    def times_hessian(direction):
        direction = direction.astype(X.dtype).ravel()
        dW, db = direction[:size].reshape(num_features, num_classes), direction[size:]
        # The change of P, and so of the gradient: differentiate softmax once more.
        change = P * logits(dW, db, X)
        change -= P * change.sum(axis=1, keepdims=True)
        return np.concatenate(
            [(X.T @ change / len(X) + reg_lambda * dW).ravel(), change.mean(axis=0)]
        )

    operator = LinearOperator((size + num_classes,) * 2, matvec=times_hessian, dtype=float)
    start = np.random.default_rng(0).normal(size=size + num_classes)
    with one_blas_thread():  # as above
        if not times_hessian(start).any():
            return 0.0  # where all probabilities are 0 or 1; Lanczos needs a direction
        return float(eigsh(operator, k=1, v0=start, tol=1e-4, return_eigenvectors=False)[0])


def _checked(X, Y, W=None, b=None):
    """X and Y as arrays of at least single precision, or a ValueError that says what is wrong."""
    X, Y = np.asarray(X), np.asarray(Y)
    if W is None and X.ndim == Y.ndim == 2:
        W, b = np.zeros((X.shape[1], Y.shape[1])), np.zeros(Y.shape[1])
    arguments.check_shapes(*map(np.asarray, (W, b)), X, Y)
    arguments.check_one_hot("Y", Y)
    for name, array in ("X", X), ("W", np.asarray(W)), ("b", np.asarray(b)):
        largest = max(array.max(initial=0), -array.min(initial=0))
        if not np.isfinite(largest):
            raise ValueError(f"{name} holds numbers that are not finite")
        if name == "X" and largest > LARGEST_PIXEL:
            raise ValueError(
                f"X holds pixels of size {largest:g}, expected them in [0, 1], or centered and "
                "scaled: divide pixels from 0 to 255 by 255"
            )
    return X.astype(np.result_type(X, np.float32), copy=False), Y

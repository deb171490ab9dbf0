"""The study: tidy rows of runs, and what a run is measured against."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from helpers.softmax import check_shapes, log_softmax

# Examples whose gradient is summed in the precision of the data before it is added up in float64.
CHUNK = 1000


def tidy(history, **labels):
    """A table of a run with one row per checkpoint.

    Parameters
    ----------
    history : helpers.sgd.History
    labels
        What tells this run from others, such as `batch_size=10, seed=0`: a column each.

    Returns
    -------
    pandas DataFrame
        The labels, then iteration, train_loss, test_accuracy (fraction, NaN without a test set),
        seconds.
    """
    rows = pd.DataFrame(
        {
            "iteration": history.iteration,
            "train_loss": history.train_loss,
            "test_accuracy": np.nan if history.test_accuracy is None else history.test_accuracy,
            "seconds": history.seconds,
        }
    )
    return pd.concat([pd.DataFrame(labels, index=rows.index), rows], axis=1)


def optimum(X, Y, reg_lambda):
    """The minimiser of the training objective, by L-BFGS from zero.

    The objective is strictly convex in W for λ > 0, so that every run of SGD is measured against
    this one number. Products are in the dtype of X, sums over the examples in float64.

    Parameters
    ----------
    X : float array (n, features)
    Y : array (n, classes), one-hot
    reg_lambda : float
        λ > 0. Without a penalty there need not be a minimum.

    Returns
    -------
    W : float64 array (features, classes)
    b : float64 array (classes,)
    J : float
        The loss (mean cross-entropy + penalty) there.

    Raises
    ------
    ValueError
        λ that is not positive, or shapes that do not fit together.
    RuntimeError
        L-BFGS stopped before the gradient was small.
    """
    if not reg_lambda > 0:
        raise ValueError(f"reg_lambda is {reg_lambda}, expected a positive number")
    num_features, num_classes = X.shape[1], Y.shape[1]
    check_shapes(np.empty((num_features, num_classes)), np.empty(num_classes), X, Y)

    def objective(parameters):
        W = parameters[:-num_classes].reshape(num_features, num_classes)
        b = parameters[-num_classes:]
        W_data, b_data = W.astype(X.dtype), b.astype(X.dtype)
        cross_entropy, dW, db = 0.0, np.zeros_like(W), np.zeros_like(b)
        for start in range(0, len(X), CHUNK):
            X_chunk, Y_chunk = X[start : start + CHUNK], Y[start : start + CHUNK]
            log_probabilities = log_softmax((X_chunk @ W_data + b_data).astype(float))
            residual = np.exp(log_probabilities) - Y_chunk
            cross_entropy -= np.vdot(Y_chunk, log_probabilities)
            dW += X_chunk.T @ residual.astype(X.dtype)
            db += residual.sum(axis=0)
        J = cross_entropy / len(X) + reg_lambda / 2 * np.vdot(W, W)
        return J, np.concatenate([(dW / len(X) + reg_lambda * W).ravel(), db / len(X)])

    result = minimize(
        objective,
        np.zeros(num_features * num_classes + num_classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxcor": 40, "maxiter": 2000, "maxfun": 4000, "ftol": 1e-11, "gtol": 2e-6},
    )
    if not np.abs(result.jac).max() < 1e-4:
        raise RuntimeError(
            f"L-BFGS stopped with a gradient of {np.abs(result.jac).max():.1e}: {result.message}"
        )
    W = result.x[:-num_classes].reshape(num_features, num_classes)
    return W, result.x[-num_classes:], float(result.fun)

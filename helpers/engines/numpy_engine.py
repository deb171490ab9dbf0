"""The hand-coded engine: minibatch SGD for softmax regression, written to be read."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from helpers.engines import Advance
from helpers.softmax import log_softmax, logits


def prepare(
    X: NDArray, Y: NDArray, *, batch_size: int, reg_lambda: float, reduction: str, fit_bias: bool
) -> Advance:
    """See `helpers.engines`."""

    def advance(W, b, rows, learning_rates):
        W, b = W.copy(), b.copy()
        minibatch_loss = []
        for update, learning_rate in enumerate(learning_rates):
            batch = rows[update * batch_size : (update + 1) * batch_size]
            X_batch, Y_batch = X[batch], Y[batch]

            log_P = log_softmax(logits(W, b, X_batch))
            minibatch_loss.append(-np.vdot(Y_batch, log_P) / len(batch))
            if not isfinite(minibatch_loss[-1]):
                break

            B = len(batch) if reduction == "mean" else 1
            residual = (np.exp(log_P) - Y_batch) / B  # (P − Y)/B
            dW = X_batch.T @ residual + reg_lambda * W
            db = residual.sum(axis=0)

            W -= learning_rate * dW
            if fit_bias:
                b -= learning_rate * db
        return W, b, minibatch_loss

    return advance

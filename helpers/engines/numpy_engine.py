"""The hand-coded engine: minibatch SGD for softmax regression, written to be read."""

from math import isfinite

import numpy as np

from helpers.softmax import log_softmax


def prepare(X, Y, *, batch_size, reg_lambda, reduction, fit_bias):
    """See `helpers.engines`."""

    def advance(W, b, rows, learning_rates):
        W, b = W.copy(), b.copy()
        minibatch_loss = []
        for update, learning_rate in enumerate(learning_rates):
            batch = rows[update * batch_size : (update + 1) * batch_size]
            X_batch, Y_batch = X.take(batch, axis=0), Y.take(batch, axis=0)

            log_probabilities = log_softmax(X_batch @ W + b)
            minibatch_loss.append(-np.vdot(Y_batch, log_probabilities) / len(batch))
            if not isfinite(minibatch_loss[-1]):
                break

            residual = np.exp(log_probabilities) - Y_batch
            if reduction == "mean":
                residual /= len(batch)
            # In steps that need no further array: these outlast the products at a small B.
            gradient = np.dot(X_batch.T, residual)
            gradient += reg_lambda * W
            gradient *= learning_rate
            W -= gradient
            if fit_bias:
                b -= learning_rate * residual.sum(axis=0)
        return W, b, minibatch_loss

    return advance

"""The hand-coded engine: minibatch SGD for softmax regression, written to be read."""

from math import isfinite

import numpy as np

from helpers.softmax import log_softmax


def prepare(X, Y, *, batch_size, reg_lambda, reduction, fit_bias):
    """See `helpers.engines`."""

    def advance(W, b, rows, learning_rates):
        # W and its gradient lie in memory class by class: minibatches are multiplied faster so.
        W, b = W.copy(order="F"), b.copy()
        # The images of each minibatch go to the same place: fresh memory costs more than the copy.
        place = np.empty((batch_size, X.shape[1]), X.dtype)
        minibatch_loss = []
        for update, learning_rate in enumerate(learning_rates):
            batch = rows[update * batch_size : (update + 1) * batch_size]
            X_batch = X.take(batch, axis=0, out=place[: len(batch)], mode="clip")
            Y_batch = Y.take(batch, axis=0)

            log_probabilities = log_softmax(X_batch @ W + b)
            minibatch_loss.append(-np.vdot(Y_batch, log_probabilities) / len(batch))
            if not isfinite(minibatch_loss[-1]):
                break

            residual = np.exp(log_probabilities) - Y_batch
            # The learning rate goes into the few numbers of the residual, not into all of W.
            residual *= learning_rate / len(batch) if reduction == "mean" else learning_rate
            step = np.dot(residual.T, X_batch).T
            step += learning_rate * reg_lambda * W
            W -= step
            if fit_bias:
                b -= residual.sum(axis=0)
        return np.ascontiguousarray(W), b, minibatch_loss

    return advance

"""The TensorFlow engine: gradients by `GradientTape`, one call of a graph for each update."""

import functools

from numpy.typing import NDArray

from helpers.engines import Advance
from helpers.support.frameworks import tensorflow_import

with tensorflow_import():
    import tensorflow as tf

DEVICE = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def train_step(
    W, b, X_batch, Y_batch, learning_rate, reg_lambda, *, reduce=tf.reduce_mean, fit_bias=True
):
    """One update of the variables W and b, in place.

    Parameters
    ----------
    W : tf.Variable (features, classes)
    b : tf.Variable (classes,)
    X_batch : tensor or array (B, features), of the dtype of W
    Y_batch : tensor or array (B, classes), one-hot
    learning_rate, reg_lambda : float
    reduce : function
        What makes one number of the cross-entropies of the minibatch.
    fit_bias : bool
        If False, b stays as it is.

    Returns
    -------
    scalar tensor
        Mean cross-entropy of the minibatch before the update, without the penalty.
    """
    parameters = [W, b] if fit_bias else [W]
    with tf.GradientTape() as tape:
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(
            labels=Y_batch, logits=X_batch @ W + b
        )
        objective = reduce(cross_entropy) + reg_lambda * tf.nn.l2_loss(W)
    for parameter, slope in zip(parameters, tape.gradient(objective, parameters), strict=True):
        parameter.assign_sub(learning_rate * slope)
    return tf.reduce_mean(cross_entropy)


# TensorFlow never forgets a graph: one serves all runs on a model of this shape.
@functools.cache
def _graph(dtype, num_features, num_classes, reduction, fit_bias):
    """The update with a minibatch of any length, out of a data set of any length."""

    @tf.function
    def update(W, b, X, Y, batch, learning_rate, reg_lambda):
        X_batch, Y_batch = tf.gather(X, batch), tf.gather(Y, batch)
        reduce = {"mean": tf.reduce_mean, "sum": tf.reduce_sum}[reduction]
        return train_step(
            W, b, X_batch, Y_batch, learning_rate, reg_lambda, reduce=reduce, fit_bias=fit_bias
        )

    W, b = _variables(dtype, num_features, num_classes)
    X, Y = (tf.TensorSpec((None, width), dtype) for width in (num_features, num_classes))
    number = tf.TensorSpec((), dtype)
    return update.get_concrete_function(
        W, b, X, Y, tf.TensorSpec((None,), tf.int64), number, number
    )


def _variables(dtype, num_features, num_classes):
    """W and b, all zeros."""
    shapes = (num_features, num_classes), (num_classes,)
    return [tf.Variable(tf.zeros(shape, dtype)) for shape in shapes]


def prepare(
    X: NDArray, Y: NDArray, *, batch_size: int, reg_lambda: float, reduction: str, fit_bias: bool
) -> Advance:
    """See `helpers.engines`."""
    X, Y, reg_lambda = tf.constant(X), tf.constant(Y), tf.constant(reg_lambda, X.dtype)
    model = X.dtype, X.shape[1], Y.shape[1]
    W, b = _variables(*model)
    update = _graph(*model, reduction, fit_bias)

    def advance(W_start, b_start, rows, learning_rates):
        W.assign(W_start)
        b.assign(b_start)
        rows = tf.constant(rows, tf.int64)
        starts = range(0, len(rows), batch_size)
        sizes = [min(batch_size, len(rows) - start) for start in starts]
        # The losses stay on the device: to look at a number is to wait for it, at every update.
        minibatch_loss = [
            update(W, b, X, Y, batch, learning_rate, reg_lambda)
            for batch, learning_rate in zip(
                tf.split(rows, sizes), tf.unstack(learning_rates), strict=True
            )
        ]
        return W.numpy(), b.numpy(), tf.stack(minibatch_loss).numpy()

    # The first update of a process takes longer than the others: here that is outside the clock.
    advance(W.numpy(), b.numpy(), [0] * batch_size, tf.zeros(1, X.dtype))
    return advance

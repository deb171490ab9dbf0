"""Implementations of the same updates, each the way its users would write it.

A function here takes the training set and a batch size and gives back `run(rows)`, which makes the
updates over these rows, `batch_size` for each, and returns once they are made. The model is the
same for all: softmax regression with a bias, mean gradient, zero start, penalty λ on W. Two differ
by nature: the sample solution's style has no bias and sums the gradient, and scikit-learn trains
ten classifiers of one class against the rest.
"""

import numpy as np

LEARNING_RATE = 0.01
REG_LAMBDA = 1e-4


def sample_style(X, Y, batch_size):
    """The loop as most write it: float64, examples in file order, a new array for each result."""
    X, Y = X.astype(float), Y.astype(float)
    W = np.zeros((X.shape[1], Y.shape[1]))

    def run(rows):
        nonlocal W
        for i in range(0, len(rows), batch_size):
            start = i % (len(X) - batch_size + 1)
            X_batch, Y_batch = X[start : start + batch_size], Y[start : start + batch_size]
            logits = X_batch @ W
            exponentials = np.exp(logits - np.max(logits, axis=1, keepdims=True))
            P = exponentials / np.sum(exponentials, axis=1, keepdims=True)
            gradient = X_batch.T @ (P - Y_batch) + REG_LAMBDA * W
            W = W - LEARNING_RATE / batch_size * gradient

    return run


def our_numpy(X, Y, batch_size):
    return _engine("numpy", X, Y, batch_size)


def our_numba(X, Y, batch_size):
    return _engine("numba", X, Y, batch_size)


def _engine(name, X, Y, batch_size):
    from threadpoolctl import threadpool_limits

    from helpers.engines import prepare

    threadpool_limits(1, user_api="blas")  # as `train_classifier` does, here until the process ends
    settings = dict(batch_size=batch_size, reg_lambda=REG_LAMBDA, reduction="mean", fit_bias=True)
    advance = prepare(name, X, Y, **settings)
    W, b = np.zeros((X.shape[1], Y.shape[1]), X.dtype), np.zeros(Y.shape[1], X.dtype)

    def run(rows):
        nonlocal W, b
        rates = np.full(len(rows) // batch_size, LEARNING_RATE, X.dtype)
        W, b, _ = advance(W, b, rows, rates)

    return run


def torch_eager(X, Y, batch_size):
    import torch

    X, labels = torch.from_numpy(X), torch.from_numpy(Y.argmax(axis=1))
    model = torch.nn.Linear(X.shape[1], Y.shape[1])
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    penalized = {"params": [model.weight], "weight_decay": REG_LAMBDA}
    optimizer = torch.optim.SGD([penalized, {"params": [model.bias]}], lr=LEARNING_RATE)

    def run(rows):
        rows = torch.from_numpy(rows)
        for i in range(0, len(rows), batch_size):
            batch = rows[i : i + batch_size]
            loss = torch.nn.functional.cross_entropy(model(X[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def tensorflow_step(X, Y, batch_size):
    """One call of a compiled function for each update."""
    tf, step, X, Y = _tensorflow(X, Y)
    step = tf.function(step)

    def run(rows):
        for i in range(0, len(rows), batch_size):
            batch = rows[i : i + batch_size]
            step(tf.constant(X[batch]), tf.constant(Y[batch]))

    return run


def tensorflow_epoch(X, Y, batch_size):
    """All updates in one graph."""
    tf, step, X, Y = _tensorflow(X, Y)
    X, Y = tf.constant(X), tf.constant(Y)

    @tf.function
    def epoch(batches):
        for i in tf.range(tf.shape(batches)[0]):
            step(tf.gather(X, batches[i]), tf.gather(Y, batches[i]))

    return lambda rows: epoch(tf.constant(rows.reshape(-1, batch_size)))


def _tensorflow(X, Y):
    from helpers.support.frameworks import tensorflow_import

    with tensorflow_import():
        import tensorflow as tf

    W, b = tf.Variable(tf.zeros((X.shape[1], Y.shape[1]))), tf.Variable(tf.zeros(Y.shape[1]))

    def step(X_batch, Y_batch):
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(Y_batch, X_batch @ W + b)
            loss = tf.reduce_mean(losses) + REG_LAMBDA / 2 * tf.reduce_sum(W * W)
        dW, db = tape.gradient(loss, [W, b])
        W.assign_sub(LEARNING_RATE * dW)
        b.assign_sub(LEARNING_RATE * db)

    return tf, step, X, Y


def jax_scan(X, Y, batch_size):
    """All updates in one compiled `lax.scan`."""
    import jax
    import jax.numpy as jnp

    X, Y = jnp.asarray(X), jnp.asarray(Y)
    parameters = jnp.zeros((X.shape[1], Y.shape[1])), jnp.zeros(Y.shape[1])

    def loss(parameters, X_batch, Y_batch):
        W, b = parameters
        cross_entropy = -(Y_batch * jax.nn.log_softmax(X_batch @ W + b)).sum(axis=1).mean()
        return cross_entropy + REG_LAMBDA / 2 * (W * W).sum()

    @jax.jit
    def epoch(parameters, X, Y, batches):
        def step(parameters, batch):
            value, gradient = jax.value_and_grad(loss)(parameters, X[batch], Y[batch])
            return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, gradient), value

        return jax.lax.scan(step, parameters, batches)

    def run(rows):
        nonlocal parameters
        parameters, _ = jax.block_until_ready(epoch(parameters, X, Y, rows.reshape(-1, batch_size)))

    return run


def sklearn_sgd(X, Y, batch_size):
    """`partial_fit` updates after every example: there is nothing to measure but B = 1."""
    from sklearn.linear_model import SGDClassifier

    if batch_size != 1:
        return None
    labels, classes = Y.argmax(axis=1), np.arange(Y.shape[1])
    model = SGDClassifier(
        loss="log_loss", alpha=REG_LAMBDA, learning_rate="constant", eta0=LEARNING_RATE
    )
    return lambda rows: model.partial_fit(X[rows], labels[rows], classes)


IMPLEMENTATIONS = {
    "sample solution's style": sample_style,
    "ours: numpy": our_numpy,
    "ours: numba": our_numba,
    "PyTorch, eager": torch_eager,
    "TensorFlow, step": tensorflow_step,
    "TensorFlow, epoch": tensorflow_epoch,
    "JAX, lax.scan": jax_scan,
    "scikit-learn": sklearn_sgd,
}

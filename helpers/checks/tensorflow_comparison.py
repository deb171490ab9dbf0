"""Q6, the TensorFlow loop."""

import re

import numpy as np

from helpers import softmax as twins
from helpers.checks import mistakes
from helpers.checks.attempts import CheckFailed, call
from helpers.checks.diagnosis import agree, array, compare, fail, nothing_returned, passed
from helpers.checks.hand_coded_sgd import OF_STEP, confident_example, step_examples, twin_step
from helpers.support.frameworks import tensorflow_import


def tensorflow_step(function):
    """Check `function(W, b, X_batch, Y_batch, learning_rate, reg_lambda)` in TensorFlow.

    W and b are `tf.Variable`s, which it updates; the minibatch is two float32 tensors. It returns
    the mean cross-entropy before the update, without the penalty.
    """
    with tensorflow_import():
        import tensorflow as tf

    # The same pair for all cases: an optimizer made outside of the function works for one alone.
    variables = tf.Variable(tf.zeros((2, 2))), tf.Variable(tf.zeros(2))

    def run(function, W, b, X, Y, learning_rate, reg_lambda):
        for variable, value in zip(variables, (W, b), strict=True):
            variable.assign(value)
        batch = [tf.constant(each, tf.float32) for each in (X, Y)]
        try:
            returned = call(function, *variables, *batch, learning_rate, reg_lambda)
        except CheckFailed as error:
            _explain_tensorflow(error)
            raise
        return *(each.numpy() for each in variables), returned

    # Without its graph: errors then have their line, and what is lost in a graph can be seen.
    plain = getattr(function, "python_function", function)
    created = []

    def watched(*arguments):
        def creator(create, **options):
            created.append(options)
            return create(**options)

        with tf.variable_creator_scope(creator):
            return plain(*arguments)

    rng = np.random.default_rng(0)
    Y = np.eye(2)[[0, 1, 1]]
    larger = [rng.normal(size=(2, 2)), rng.normal(size=2), rng.random((3, 2)), Y, 0.1, 0.1]
    cases = [*step_examples()[:4], larger]
    *confident, _ = confident_example()
    W, b, *_ = cases[0]
    W_after, b_after, _ = run(plain, *cases[0])
    if agree(W_after, W) and agree(b_after, b):
        run(watched, *cases[0])
        fail(function, mistakes.RECREATED if created else mistakes.NOT_UPDATED, {"got W": W_after})
    compare(
        function, OF_STEP, ["W", "b"], twin_step, cases, mistakes.TENSORFLOW_STEP,
        extreme=[[*confident, 0.1, 0.0]], otherwise=mistakes.LOG_OF_ZERO,
        run=lambda *case: run(plain, *case)[:2],
    )  # fmt: skip
    for case in cases:
        W, b, X, Y, *_ = case
        *_, returned = run(function, *case)
        if returned is None:
            nothing_returned(function)
        expected, found = twins.loss(W, b, X, Y), array(returned, "the loss")
        if not agree(found, expected):
            shown = {**dict(zip(OF_STEP, case, strict=True)), "expected": expected, "got": found}
            fail(function, mistakes.RETURNED_LOSS, shown)
    passed(function)


def _explain_tensorflow(error):
    """Name the mistake behind an error message of TensorFlow, if it is a known one."""
    for pattern, mistake in mistakes.TENSORFLOW_ERRORS.items():
        if error.mistake == "raised" and re.search(pattern, str(error)):
            raise CheckFailed(f"{mistake.name}. {mistake.advice}\n{error}", mistake.name) from None

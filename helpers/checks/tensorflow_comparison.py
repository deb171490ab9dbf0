"""Q6, the TensorFlow loop."""

import re
from dataclasses import replace

import numpy as np

from helpers.checks.attempts import CheckFailed, call
from helpers.checks.diagnosis import array, compare, fail, nothing_returned, passed
from helpers.checks.hand_coded_sgd import SGD_STEP, with_rates
from helpers.checks.mistakes import tensorflow_comparison as mistakes
from helpers.support.frameworks import tensorflow_import


def tensorflow_step(function):
    """Check `function(W, b, X_batch, Y_batch, learning_rate, reg_lambda)` in TensorFlow.

    W and b are `tf.Variable`s, which it updates; the minibatch is two float32 tensors. It returns
    the mean cross-entropy before the update, without the penalty.
    """
    run = on_arrays(function)
    compare(function, STEP, lambda *case: _updated(function, case, run(*case)))
    compare(function, RETURNED, lambda *case: (_returned(function, run(*case)),))
    passed(function)


def on_arrays(function):
    """A student's step as a function of arrays, to be made where the student's code runs.

    Parameters
    ----------
    function : function
        Of two `tf.Variable`s, two float32 tensors and two numbers.

    Returns
    -------
    function
        Of the arrays W, b, X and Y and the same two numbers: W and b afterwards, and what the step
        returned. It raises CheckFailed where the step fails, or makes variables of its own in place
        of updating W and b; of a compiled step also where the graph does something else.
    """
    if hasattr(function, "on_arrays"):  # a stand-in for a function that is in another process
        return function.on_arrays
    with tensorflow_import():
        import tensorflow as tf

    # Without its graph: errors then have their line. The graph is called for two shapes only, as
    # TensorFlow warns of a function that it has to trace often.
    plain, graph_calls = getattr(function, "python_function", function), []
    variables = []  # the same for all calls: an optimizer made outside works for one pair alone

    def run(W, b, X, Y, learning_rate, reg_lambda):
        W, b, X, Y = (np.asarray(each, np.float32) for each in (W, b, X, Y))
        if not variables or variables[0].shape != W.shape:
            variables[:] = tf.Variable(W), tf.Variable(b)
        batch = tf.constant(X), tf.constant(Y)
        after = once(plain, W, b, *batch, learning_rate, reg_lambda)
        if plain is not function and X.shape not in graph_calls and len(graph_calls) < 2:
            graph_calls.append(X.shape)
            in_graph = once(function, W, b, *batch, learning_rate, reg_lambda)
            if not all(map(np.allclose, after[:2], in_graph[:2])):
                shown = {"expected W, as without @tf.function": after[0], "got W": in_graph[0]}
                fail(function, mistakes.OTHER_GRAPH, shown)
        return after

    def once(step, W, b, *arguments):
        created = []

        def creator(create, **options):
            variable = create(**options)
            created.append(variable.shape)
            return variable

        for variable, value in zip(variables, (W, b), strict=True):
            variable.assign(value)
        logger = tf.get_logger()  # it warns of functions that are traced again, as a check has to
        level = logger.level
        logger.setLevel("ERROR")
        try:
            watch = tf.variable_creator_scope(creator)
            returned = call(step, *variables, *arguments, within=watch)
        except CheckFailed as error:
            raise _explained(error) from None
        finally:
            logger.setLevel(level)
        after = [variable.numpy() for variable in variables]
        if W.shape in created and all(map(np.array_equal, after, (W, b))):
            fail(function, mistakes.RECREATED, {"got W": after[0]})
        return *after, returned

    return run


def _explained(error):
    """The same, with the mistake behind an error of TensorFlow if it is known."""
    for pattern, mistake in mistakes.ERRORS.items():
        if error.mistake == "raised" and re.search(pattern, str(error)):
            name = str(error).split(" raised ")[0]
            return CheckFailed(f"{name}: {mistake.name}. {mistake.advice}\n{error}", mistake.name)
    return error


def _examples():
    """Arguments of the loss that share the shape of W, none of it zero: then no gradient is."""
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(2, 3)), rng.normal(size=3), rng.random((4, 2))
    Y = np.eye(3)[[0, 2, 1, 1]]
    return [
        [W, b, X[:1], Y[:1], 0.0],
        [W, b, X, Y, 0.0],
        [W, 0 * b, X, Y, 0.1],
        [W, b, X[1:2], Y[1:2], 0.1],
        [W, b, X, Y, 0.1],
    ]


def _extreme_examples():
    """As in the exercises by hand, with as many classes as above."""
    b, X, Y = np.zeros(3), np.eye(3, 2), np.eye(3)[[0, 1, 0]]
    return [
        [np.array([[1000.0, 999.5, 998.0], [1000.0, 1001.0, 999.0]]), b, X[:2], Y[:2], 0.0],
        [np.array([[1000.0, 999.5, 998.0], [-1000.0, -999.0, -999.5]]), b, X, Y, 0.0],
        [np.array([[-800.0, 0.0, 0.0], [0.0, 1.0, 0.5]]), b, X, Y, 0.0],
    ]


STEP = replace(
    SGD_STEP,
    cases=with_rates(_examples()),
    extremes=with_rates(_extreme_examples()),
    mistakes=mistakes.TENSORFLOW_STEP,
)
RETURNED = replace(
    STEP,
    results=("loss",),
    formula=mistakes.returned_formula,
    mistakes=mistakes.RETURNED_LOSS,
    parts=(),
)


def _updated(function, case, outcome):
    """W and b after the step; the gradients of the cases are not zero."""
    before = [each.astype(np.float32) for each in case[:2]]
    if all(map(np.array_equal, before, outcome)):
        fail(function, mistakes.NOT_UPDATED, {"W before": before[0], "W afterwards": outcome[0]})
    return outcome[:2]


def _returned(function, outcome):
    if outcome[2] is None:
        nothing_returned(function)
    return array(outcome[2], "the loss")

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
    run = on_arrays(function)
    rng = np.random.default_rng(0)
    Y = np.eye(2)[[0, 1, 1]]
    larger = [rng.normal(size=(2, 2)), rng.normal(size=2), rng.random((3, 2)), Y, 0.1, 0.1]
    cases = [*step_examples()[:4], larger]
    *confident, _ = confident_example()
    W, b, *_ = larger
    W_after, b_after, _ = run(*larger)
    if np.array_equal(W_after, W.astype(np.float32)) and np.array_equal(b_after, b.astype("f")):
        fail(function, mistakes.NOT_UPDATED, {"got W": W_after})
    compare(
        function, OF_STEP, ["W", "b"], twin_step, cases, mistakes.TENSORFLOW_STEP,
        extreme=[[*confident, 0.1, 0.0]], otherwise=mistakes.LOG_OF_ZERO,
        run=lambda *case: run(*case)[:2],
    )  # fmt: skip
    for case in cases:
        W, b, X, Y, *_ = case
        *_, returned = run(*case)
        if returned is None:
            nothing_returned(function)
        expected, found = twins.loss(W, b, X, Y), array(returned, "the loss")
        if not agree(found, expected):
            shown = {**dict(zip(OF_STEP, case, strict=True)), "expected": expected, "got": found}
            fail(function, mistakes.RETURNED_LOSS, shown)
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
                shown = {"W without @tf.function": after[0], "W with it": in_graph[0]}
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
        try:
            watch = tf.variable_creator_scope(creator)
            returned = call(step, *variables, *arguments, within=watch)
        except CheckFailed as error:
            raise _in_plain_words(error) from None
        after = [variable.numpy() for variable in variables]
        if W.shape in created and all(map(np.array_equal, after, (W, b))):
            fail(function, mistakes.RECREATED, {"got W": after[0]})
        return *after, returned

    return run


def _in_plain_words(error):
    """The same without frames of the library, and with the mistake behind it if it is known."""
    message = str(error)
    if "in user code:" in message:  # AutoGraph's own traceback, with * at lines of the student
        name = message.split(" raised ")[0]
        lines = re.findall(r"line (\d+), in \w+  \*\n\s+(.*)", message)
        [what] = re.findall(r"\n    (\w*(?:Error|Exception)\w*: .*)", message)[-1:] or [message]
        message = f"{name} raised {what}" + "".join(
            f"\n    in line {number}:  {line}" for number, line in lines[-1:]
        )
    for pattern, mistake in mistakes.TENSORFLOW_ERRORS.items():
        if error.mistake == "raised" and re.search(pattern, message):
            name = message.split(" raised ")[0]
            return CheckFailed(f"{name}: {mistake.name}. {mistake.advice}\n{message}", mistake.name)
    return CheckFailed(message, error.mistake)

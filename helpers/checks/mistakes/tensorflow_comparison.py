"""Q6: the step with what people get wrong in TensorFlow, and the mistakes."""

from dataclasses import replace

import numpy as np

from helpers.checks.diagnosis import Mistake
from helpers.checks.mistakes import hand_coded_sgd as by_hand
from helpers.checks.mistakes.hand_coded_sgd import loss_formula, sigmoid, step_formula
from helpers.softmax import log_softmax
from helpers.softmax import softmax as row_softmax


def _keras_without_from_logits(P, logits, X, Y):
    """Derivative of Keras's loss where logits are taken for probabilities: shares, and clipped."""
    shares = logits / logits.sum(axis=1, keepdims=True)
    right = (shares * Y).sum(axis=1, keepdims=True)
    inside = (right > 1e-7) & (right < 1 - 1e-7)
    return np.where(inside, 1 / logits.sum(axis=1, keepdims=True) - Y / logits, 0)


def _after(activation, slope):
    """The residual where the logits go through an activation."""
    return lambda P, z, X, Y: (row_softmax(activation(z)) - Y) * slope(z)


def _of_rounded(least, value):
    """The residual where an example whose p is at most this has another one."""
    return lambda P, z, X, Y: np.where((P * Y).sum(axis=1, keepdims=True) <= least, value, P - Y)


def _of_gradient(*names):
    return [each for each in by_hand.GRADIENT if each.name in names]


WRONG_VARIABLE = Mistake(
    "gradient of the wrong variable",
    "tape.gradient(objective, [W, b]) gives the gradients in this order, of the variables that "
    "you are given. It is None for those from which the objective was not computed inside the "
    "tape.",
    (
        {"arrange": lambda dW, db, R: (db, db)},
        {"arrange": lambda dW, db, R: (db, dW)},
        {"arrange": lambda dW, db, R: (dW, dW.sum(axis=0))},
    ),
)
TENSORFLOW_STEP = (
    by_hand.ADDING,
    by_hand.RATE_LEFT_OUT,
    by_hand.FIXED_RATE,
    Mistake(
        "labels and logits swapped",
        "softmax_cross_entropy_with_logits(labels=…, logits=…): the labels come first.",
        ({"residual": lambda P, logits, X, Y: -log_softmax(Y)},),
    ),
    Mistake(
        "softmax applied twice",
        "softmax_cross_entropy_with_logits applies softmax itself: give it the logits X @ W + b.",
        ({"residual": by_hand.residual_of_softmax_twice},),
    ),
    Mistake(
        "from_logits forgotten",
        "Keras takes what it is given for probabilities: CategoricalCrossentropy(from_logits=True) "
        "for the logits X @ W + b.",
        ({"residual": _keras_without_from_logits},),
    ),
    Mistake(
        "activation on the logits",
        "The logits are X @ W + b as they are, without relu, tanh or sigmoid.",
        (
            {"residual": _after(lambda z: np.maximum(z, 0), lambda z: z > 0)},
            {"residual": _after(np.tanh, lambda z: 1 - np.tanh(z) ** 2)},
            {"residual": _after(sigmoid, lambda z: sigmoid(z) * sigmoid(-z))},
        ),
    ),
    Mistake(
        "binary cross-entropy of every class",
        "Softmax, not a sigmoid for each class: softmax_cross_entropy_with_logits.",
        (
            {"probabilities": sigmoid},
            {"residual": lambda P, z, X, Y: (sigmoid(z) - Y) / Y.shape[1]},
        ),
    ),
    replace(
        by_hand.B_TWICE,
        name="reduction doubled",
        advice="reduce_mean divides by the number of examples already.",
    ),
    replace(
        by_hand.TIMES_B,
        advice="The cross-entropy is one number for each example: take their mean, reduce_mean.",
    ),
    *by_hand.PENALTY,
    replace(
        by_hand.B_NOT_UPDATED,
        advice="b stays as it was. It has a gradient too, and is updated by b.assign_sub(…): "
        "b = b − … gives the name b to another tensor.",
    ),
    Mistake(
        "W not updated",
        "W stays as it was. It is updated by W.assign_sub(…): W = W − … gives the name W to "
        "another tensor.",
        ({"factor_W": lambda n: 0},),
    ),
    by_hand.B_LEFT_OUT,
    WRONG_VARIABLE,
    *_of_gradient("wrong sign", "averaged over classes too"),
    replace(
        by_hand.LOG_OF_ZERO,
        advice="A probability can be rounded to 0: give the logits to "
        "softmax_cross_entropy_with_logits, which takes the logarithm itself.",
        changes=({"residual": _of_rounded(1e-7, 0)}, {"residual": _of_rounded(0, np.nan)}),
    ),
    *_of_gradient("derivative of another loss", by_hand.MAXIMUM.name),
    *_of_gradient(by_hand.ONE_MAXIMUM.name, by_hand.WRONG_AXIS.name),
)


def returned_formula(W, b, X, Y, learning_rate, reg_lambda, *, penalty=0, after=False, **changes):
    """The mean cross-entropy that a step returns; with the penalty, or after the update."""
    if after:
        W, b = step_formula(W, b, X, Y, learning_rate, reg_lambda)
    return loss_formula(W, b, X, Y, penalty * reg_lambda, **changes)


RETURNED_LOSS = (
    Mistake(
        "wrong loss returned",
        "Return the mean cross-entropy of the minibatch before the update, without the penalty.",
        (
            {"penalty": 1},
            {"after": True},
            {"penalty": 1, "after": True},
            {"average": lambda values, Y: values.sum()},
            {"average": lambda values, Y: values.sum(axis=1)},
            {"average": lambda values, Y: values.mean()},
        ),
    ),
)
RECREATED = Mistake(
    "variables recreated",
    "The function makes variables of its own, and the ones it was given stay as they were: make "
    "variables once, outside, and use assign_sub on those you are given.",
)
NOT_UPDATED = Mistake(
    "variables not updated",
    "W = W − … gives the name W to another tensor: use W.assign_sub(…).",
)
OTHER_GRAPH = Mistake(
    "another function in the graph",
    "@tf.function runs the Python code once, to record its operations: what it does to Python "
    "objects is not recorded.",
)
# What TensorFlow says where a mistake ends in an error.
ERRORS = {
    r"tf\.Variable.*creat|creat.*variables": RECREATED,
    r"NoneType|None values|No gradients|Cannot (assign|update)|[Ss]hape.*assign": WRONG_VARIABLE,
}

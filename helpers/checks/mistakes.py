"""The classic mistakes, as data: for each exercise what one gets who makes them.

A check compares a student's result with that of each entry; the one that fits names the mistake.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.softmax import log_softmax, softmax


class Mistake(NamedTuple):
    """A mistake and what to do about it.

    Attributes
    ----------
    name : str
    advice : str
    variants : tuple of functions
        With the arguments of the exercise: what comes out, in the ways in which it is made.
        Empty where a check finds it by other means.
    """

    name: str
    advice: str
    variants: tuple = ()


IN_PLACE = Mistake(
    "updated in place",
    "What you are given belongs to the caller: make new arrays, A = A - … in place of A -= ….",
)

REORDERED = Mistake(
    "images reordered against labels",
    "Row i of X and row i of Y must belong to the same example.",
)
LABELS = (
    Mistake(
        "one-hot off by one",
        "Label k has its 1 in column k, counted from 0.",
        (
            lambda labels: np.eye(10)[labels - 1],
            lambda labels: np.eye(10)[(labels + 1) % 10],
            lambda labels: np.eye(11)[labels][:, 1:],
            lambda labels: np.eye(11)[labels + 1],
            lambda labels: np.eye(11)[labels + 1][:, :10],
        ),
    ),
    Mistake(
        "one-hot transposed",
        "Y has a row for each image and a column for each class.",
        (lambda labels: np.eye(10)[labels].T,),
    ),
    Mistake(
        "labels not one-hot",
        "Y has ten columns, with a single 1 in each row.",
        (lambda labels: labels,),
    ),
)
OTHER_DATA = Mistake(
    "not the data it is given",
    "Use the argument of the function, not a variable of the notebook.",
)
MIXED_UP = Mistake(
    "pixels mixed up",
    "Each row of X holds the pixels of one image, row by row: reshape(len(images), -1).",
)
OVERFLOW = Mistake(
    "uint8 overflow",
    "uint8 numbers wrap around at 256: convert to float32 before any other arithmetic.",
)
PIXELS = (
    Mistake(
        "pixels not scaled",
        "Divide by 255, so that pixels lie in [0, 1].",
        (lambda images: images,),
    ),
    Mistake(
        "pixels scaled twice",
        "Divide by 255 once; ToTensor has done so already.",
        (lambda images: images / 255 / 255,),
    ),
    Mistake(
        "divided as integers",
        "`//` and integer types keep nothing between 0 and 1: divide in float32.",
        (lambda images: images // 255,),
    ),
    Mistake("divided by 256", "The largest pixel is 255.", (lambda images: images / 256,)),
    Mistake("ink inverted", "0 is paper, 1 is ink.", (lambda images: 1 - images / 255,)),
    Mistake(
        "rows and columns of the images exchanged",
        "Pixels come row by row: reshape(len(images), -1).",
        (lambda images: images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784) / 255,),
    ),
    Mistake(
        "images not flattened",
        "X has one row of 784 pixels for each image.",
        (lambda images: images.reshape(-1, 28, 28) / 255,),
    ),
    Mistake("transposed", "X has a row for each image.", (lambda images: images.T / 255,)),
)


def _shares(logits, sums):
    """Exponentials divided by sums of them."""
    return np.exp(logits) / sums(np.exp(logits))


def _shifted_shares(logits, sums):
    return _shares(logits - logits.max(axis=1, keepdims=True), sums)


WRONG_SUMS = (
    lambda exponentials: exponentials.sum(axis=0),
    lambda exponentials: exponentials.sum(axis=1),  # right only with keepdims=True
    lambda exponentials: exponentials.sum(),
)

MAXIMUM = Mistake(
    "maximum not subtracted",
    "Subtract the largest logit of each row first: no probability changes, and no exponential "
    "overflows.",
)
SOFTMAX = (
    Mistake(
        "normalised over the wrong axis",
        "The probabilities of one image are one row: sum over axis=1, with keepdims=True.",
        tuple(partial(how, sums=sums) for how in (_shifted_shares, _shares) for sums in WRONG_SUMS),
    ),
)


def _loss(W, b, X, Y, reg_lambda, data=lambda n: 1 / n, squares=0.5, bias=0.0, norm=0.0):
    """The loss with other factors: of the summed cross-entropy, ‖W‖², ‖b‖² and ‖W‖."""
    cross_entropy = -(Y * log_softmax(X @ W + b)).sum()
    penalty = squares * (W**2).sum() + bias * (b**2).sum() + norm * np.linalg.norm(W)
    return data(len(X)) * cross_entropy + reg_lambda * penalty


LOG_OF_ZERO = Mistake(
    "log of zero",
    "A probability can be rounded to 0. Take the logarithm by hand: "
    "ln p_k = z_k − max z − ln Σ exp(z − max z).",
)

LOSS = (
    Mistake(
        "wrong sign",
        "The loss is minus the mean of ln p.",
        (partial(_loss, data=lambda n: -1 / n),),
    ),
    Mistake(
        "summed instead of averaged",
        "Divide the sum over the examples by their number.",
        (
            partial(_loss, data=lambda n: 1),
            lambda *arguments: len(arguments[2]) * _loss(*arguments),
        ),
    ),
    Mistake(
        "averaged over classes too",
        "Sum over the classes, average over the examples alone.",
        (lambda W, *rest: _loss(W, *rest, data=lambda n: 1 / n / W.shape[1]),),
    ),
    Mistake("λ missing", "Add the penalty (λ/2)‖W‖².", (partial(_loss, squares=0),)),
    Mistake(
        "λ divided by n",
        "Only the sum over the examples is divided by their number, the penalty is not.",
        (lambda W, b, X, *rest: _loss(W, b, X, *rest, squares=0.5 / len(X)),),
    ),
    Mistake(
        "b left out",
        "The logits are X @ W + b.",
        (lambda W, b, *rest: _loss(W, 0 * b, *rest),),
    ),
    Mistake(
        "λ in place of λ/2",
        "The penalty is (λ/2)‖W‖², so that its derivative is λW.",
        (partial(_loss, squares=1),),
    ),
    Mistake(
        "λ on b",
        "Only W is penalised.",
        (partial(_loss, bias=0.5), partial(_loss, squares=1, bias=1)),
    ),
    Mistake(
        "norm not squared", "The penalty is (λ/2)‖W‖².", (partial(_loss, squares=0, norm=0.5),)
    ),
)


def _residual(logits, X, Y):
    return softmax(logits) - Y


def _residual_of_softmax_twice(logits, X, Y):
    """Derivative of the cross-entropy where probabilities are taken for logits."""
    P = softmax(logits)
    slope = softmax(P) - Y
    return P * (slope - (P * slope).sum(axis=1, keepdims=True))


def _gradient(
    W, b, X, Y, reg_lambda, data=lambda n: 1 / n, penalty=1.0, bias=0.0, residual=_residual
):
    """The gradient with other factors: of the summed data gradient, λW and λb."""
    R = data(len(X)) * residual(X @ W + b, X, Y)
    return X.T @ R + penalty * reg_lambda * W, R.sum(axis=0) + bias * reg_lambda * b


def _changed(change):
    """A variant that changes (dW, db) of the right gradient, given them and the residuals."""

    def variant(W, b, X, Y, reg_lambda):
        return change(*_gradient(W, b, X, Y, reg_lambda), _residual(X @ W + b, X, Y))

    return variant


def _only_dW(data):
    """A variant with another factor of the summed data gradient in dW, and the right db."""
    return lambda *arguments: (_gradient(*arguments, data=data)[0], _gradient(*arguments)[1])


TIMES_B = Mistake(
    "times B",
    "Divide the sum over the minibatch by its number of examples B.",
    (
        partial(_gradient, data=lambda n: 1),
        lambda W, b, X, Y, reg_lambda: tuple(
            len(X) * each for each in _gradient(W, b, X, Y, reg_lambda)
        ),
        _changed(lambda dW, db, R: (dW, R.sum(axis=0))),
        _only_dW(lambda n: 1),
    ),
)
B_TWICE = Mistake(
    "divided by B twice",
    "A mean is divided by the number of examples once.",
    (
        partial(_gradient, data=lambda n: 1 / n**2),
        lambda W, b, X, Y, reg_lambda: tuple(
            each / len(X) for each in _gradient(W, b, X, Y, reg_lambda)
        ),
        _changed(lambda dW, db, R: (dW, db / len(R))),
        _only_dW(lambda n: 1 / n**2),
    ),
)
NO_DB = Mistake(
    "gradient of b missing",
    "b has a gradient too: the mean of p − y over the examples.",
    (_changed(lambda dW, db, R: (dW, 0 * db)),),
)
PENALTY = (
    Mistake(
        "λ missing",
        "The derivative of (λ/2)‖W‖² is λW: it belongs to the gradient of W.",
        (partial(_gradient, penalty=0),),
    ),
    Mistake(
        "λ/2 in place of λ",
        "The derivative of (λ/2)‖W‖² is λW.",
        (partial(_gradient, penalty=0.5),),
    ),
    Mistake(
        "2λ in place of λ",
        "The derivative of (λ/2)‖W‖² is λW.",
        (partial(_gradient, penalty=2),),
    ),
    Mistake(
        "λ divided by B",
        "Only the sum over the examples is divided by their number, λW is not.",
        (lambda W, b, X, *rest: _gradient(W, b, X, *rest, penalty=1 / len(X)),),
    ),
    Mistake(
        "λ on b", "Only W is penalised.", (partial(_gradient, bias=1), partial(_gradient, bias=0.5))
    ),
)

GRADIENT = (
    Mistake(
        "wrong sign",
        "The residual is p − y: what we think minus what is true.",
        (
            partial(_gradient, data=lambda n: -1 / n),
            _changed(lambda dW, db, R: (-dW, -db)),
            _changed(lambda dW, db, R: (dW, -db)),
            _only_dW(lambda n: -1 / n),
        ),
    ),
    TIMES_B,
    B_TWICE,
    Mistake(
        "transposed",
        "dW has the shape of W, (features, classes): Xᵀ(P − Y), not (P − Y)ᵀX.",
        (_changed(lambda dW, db, R: (dW.T, db)),),
    ),
    *PENALTY,
    Mistake(
        "b left out",
        "The logits are X @ W + b.",
        (lambda W, b, *rest: _gradient(W, 0 * b, *rest),),
    ),
    Mistake(
        "x − y in place of p − y",
        "The residual compares probabilities with labels: p − y with p = softmax(z).",
        (
            partial(_gradient, residual=lambda logits, X, Y: logits - Y),
            partial(_gradient, residual=lambda logits, X, Y: X - Y),
        ),
    ),
    NO_DB,
    Mistake(
        "gradient of b averaged over classes",
        "b has one entry for each class: average p − y over the examples, axis=0.",
        (
            _changed(lambda dW, db, R: (dW, R.mean(axis=1))),
            _changed(lambda dW, db, R: (dW, R.sum(axis=1))),
            _changed(lambda dW, db, R: (dW, R.sum(axis=1) / len(R))),
            _changed(lambda dW, db, R: (dW, R.mean(axis=1, keepdims=True))),
            _changed(lambda dW, db, R: (dW, R.mean())),
            _changed(lambda dW, db, R: (dW, db / len(db))),
        ),
    ),
)


def _step(W, b, X, Y, learning_rate, reg_lambda, gradient=_gradient, factor=lambda n: -1):
    """A step along a gradient, with another factor of the learning rate."""
    dW, db = gradient(W, b, X, Y, reg_lambda)
    rate = factor(len(X)) * learning_rate
    return W + rate * dW, b + rate * db


def _steps(mistake):
    """The same mistake in the gradient of a step."""
    return mistake._replace(
        variants=tuple(partial(_step, gradient=variant) for variant in mistake.variants)
    )


ADDING = Mistake(
    "adding instead of subtracting",
    "The gradient points uphill: W − learning_rate · dW.",
    (
        partial(_step, factor=lambda n: 1),
        lambda *arguments: (_step(*arguments)[0], _step(*arguments, factor=lambda n: 1)[1]),
        lambda *arguments: (_step(*arguments, factor=lambda n: 1)[0], _step(*arguments)[1]),
    ),
)

RATE_LEFT_OUT = Mistake(
    "learning rate left out",
    "The step is learning_rate times the gradient.",
    (lambda W, b, X, Y, learning_rate, reg_lambda: _step(W, b, X, Y, 1.0, reg_lambda),),
)

SGD_STEP = (
    ADDING,
    Mistake(
        "learning rate scaled by B",
        "The gradient is a mean already: use the learning rate as it is given.",
        (partial(_step, factor=lambda n: -n), partial(_step, factor=lambda n: -1 / n)),
    ),
    RATE_LEFT_OUT,
    Mistake(
        "λ without the learning rate",
        "The step is learning_rate times the whole gradient, λW included.",
        (
            lambda W, b, X, Y, learning_rate, reg_lambda: _step(
                W, b, X, Y, learning_rate, reg_lambda / learning_rate
            ),
        ),
    ),
    *map(_steps, GRADIENT),
)

WRONG_VARIABLE = Mistake(
    "gradient of the wrong variable",
    "tape.gradient(objective, [W, b]) gives the gradients in this order, of the variables that you "
    "are given. It is None for those from which the objective was not computed inside the tape.",
    (
        lambda W, b, *rest: (W, _step(W, b, *rest)[1]),
        lambda W, b, *rest: (W - (b - _step(W, b, *rest)[1]), _step(W, b, *rest)[1]),
        lambda W, b, *rest: (
            _step(W, b, *rest)[0],
            b - (W - _step(W, b, *rest)[0]).sum(axis=0),
        ),
    ),
)
TENSORFLOW_STEP = (
    ADDING,
    RATE_LEFT_OUT,
    Mistake(
        "labels and logits swapped",
        "softmax_cross_entropy_with_logits(labels=…, logits=…): the labels come first.",
        (
            partial(
                _step,
                gradient=partial(_gradient, residual=lambda logits, X, Y: -log_softmax(Y)),
            ),
        ),
    ),
    Mistake(
        "softmax applied twice",
        "softmax_cross_entropy_with_logits applies softmax itself: give it the logits X @ W + b.",
        (partial(_step, gradient=partial(_gradient, residual=_residual_of_softmax_twice)),),
    ),
    _steps(B_TWICE)._replace(
        name="reduction doubled",
        advice="reduce_mean divides by the number of examples already.",
    ),
    _steps(TIMES_B)._replace(
        advice="The cross-entropy is one number for each example: take their mean, reduce_mean."
    ),
    *map(_steps, PENALTY),
    WRONG_VARIABLE,
    _steps(NO_DB)._replace(
        advice="b stays as it was. It has a gradient too, and is updated by b.assign_sub(…): "
        "b = b − … gives the name b to another tensor."
    ),
)
RETURNED_LOSS = Mistake(
    "wrong loss returned",
    "Return the mean cross-entropy of the minibatch before the update, without the penalty.",
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
TENSORFLOW_ERRORS = {
    r"tf\.Variable.*creat|creat.*variables": RECREATED,
    r"NoneType|None values|No gradients|Cannot (assign|update)|[Ss]hape.*assign": WRONG_VARIABLE,
}

NO_RESHUFFLING = Mistake(
    "no reshuffling",
    "The examples come in the order of the file: draw rng.permutation(num_examples).",
)
SAME_PERMUTATION = Mistake(
    "same permutation every epoch",
    "Draw from the rng that you are given; a generator made inside starts anew each time.",
)
WITH_REPLACEMENT = Mistake(
    "sampling with replacement",
    "An epoch has each example once: cut a permutation into minibatches, the last of which may be "
    "shorter.",
)
LAST_DROPPED = Mistake(
    "last minibatch dropped",
    "The last minibatch is shorter if batch_size does not divide num_examples; it belongs to the "
    "epoch all the same.",
)


def lowest_mean(rows, column):
    """For each batch size the learning rate with the lowest mean of a column over the seeds."""
    means = rows.groupby(["batch_size", "learning_rate"])[column].mean()
    return means.groupby("batch_size").idxmin().str[1].to_dict()


def _of_lowest_row(rows, column):
    lowest = rows.loc[rows.groupby("batch_size")[column].idxmin()]
    return dict(zip(lowest["batch_size"], lowest["learning_rate"], strict=True))


BEST_RATES = (
    Mistake(
        "chosen on the test set",
        "Choose by validation_loss: a rate chosen on the test set makes its accuracy look better "
        "than it is.",
        (
            lambda rows: lowest_mean(rows, "test_loss"),
            lambda rows: _of_lowest_row(rows, "test_loss"),
            lambda rows: lowest_mean(rows.assign(error=-rows["test_accuracy"]), "error"),
        ),
    ),
    Mistake(
        "one seed decides",
        "A rate can be lucky once: take the mean over the seeds.",
        (
            lambda rows: _of_lowest_row(rows, "validation_loss"),
            *(
                lambda rows, seed=seed: _of_lowest_row(
                    rows.query("seed == @seed"), "validation_loss"
                )
                for seed in (0, 1)
            ),
            lambda rows: lowest_mean(
                rows.drop_duplicates(["batch_size", "learning_rate"], keep="last"),
                "validation_loss",
            ),
        ),
    ),
    Mistake(
        "diverged runs left out",
        "A rate that diverges with one seed is no good one: its mean is infinite.",
        (lambda rows: lowest_mean(rows.replace(np.inf, np.nan), "validation_loss"),),
    ),
)

SHUFFLED_DIFFERENTLY = Mistake(
    "X and Y shuffled differently",
    "A step got images with the labels of others: use the same row numbers for both.",
)
LOSS_ON_TEST = Mistake(
    "loss evaluated on the test set",
    "The training loss is that of X_train and Y_train. (To tell, the test images of this check are "
    "NaN.)",
)
ACCURACY_ON_TRAINING = Mistake(
    "accuracy evaluated on the training set",
    "The test accuracy is that of X_test and Y_test.",
)
OTHER_IMAGES = Mistake(
    "not the training images",
    "A step gets rows of X_train and Y_train, those whose numbers `batches` gives.",
)
NOT_SECONDS = Mistake(
    "not in seconds",
    "time.perf_counter() counts seconds, other clocks milliseconds or less.",
)
START_MINUS_END = Mistake(
    "start minus end",
    "Seconds are negative: the later moment minus the earlier one.",
)
EVALUATION_IN_CLOCK = Mistake(
    "evaluation inside the clock",
    "Seconds count updates alone: stop the clock before loss and accuracy are computed.",
)
NOT_ALL_UPDATES = Mistake(
    "updates outside the clock",
    "Seconds are those of all updates until then, added up.",
)

EFFECTIVE_RATE = (
    Mistake(
        "B left out",
        "The sum of B gradients is B times their mean.",
        (lambda learning_rate, batch_size: learning_rate,),
    ),
    Mistake(
        "divided by B",
        "The sum of B gradients is B times their mean, so the step is B times as long.",
        (lambda learning_rate, batch_size: learning_rate / batch_size,),
    ),
)

"""Q2: the formulas with what people get wrong in them, and the mistakes."""

from dataclasses import replace
from itertools import zip_longest

import numpy as np
from scipy.special import expit as sigmoid

from helpers.checks.diagnosis import Mistake
from helpers.softmax import log_softmax
from helpers.softmax import softmax as row_softmax


def rows(function, **options):
    return lambda z: function(z, axis=1, keepdims=True, **options)


def nothing(z):
    return 0.0


ROW_MAXIMUM, ROW_SUM = rows(np.max), rows(np.sum)


def softmax_formula(logits, shift=ROW_MAXIMUM, exponential=np.exp, sums=ROW_SUM, after=lambda P: P):
    """The probabilities; `shift` is taken from the logits, `sums` divide the exponentials."""
    exponentials = exponential(logits - shift(logits))
    return after(exponentials / sums(exponentials))


def softmax_with(**changes):
    """The probabilities of another softmax."""
    return lambda logits: softmax_formula(logits, **changes)


def log_of(probabilities, guard=lambda P: P):
    """The logarithms of probabilities."""
    return lambda logits: np.log(guard(probabilities(logits)))


MAXIMUM = Mistake(
    "maximum not subtracted",
    "Subtract the largest logit of each row first: no probability changes, and no exponential "
    "overflows.",
)
ONE_MAXIMUM = Mistake(
    "one maximum for all rows",
    "Subtract from each row its own largest logit, max(axis=1, keepdims=True): with that of "
    "another row all exponentials of a row can be rounded to 0.",
)
WRONG_AXIS = Mistake(
    "normalized over the wrong axis",
    "The probabilities of one image are one row: sum over axis=1, with keepdims=True.",
)
NO_KEEPDIMS = Mistake(
    "keepdims missing",
    "Without keepdims=True the n maxima or sums are a row, not a column: they fit no array of "
    "another shape, and a square one in the wrong direction.",
)
SHIFTS = {"shift": nothing}, {"shift": rows(np.min)}, {"shift": rows(np.mean)}
OTHER_SHIFTS = {"shift": np.max}, {"shift": lambda z: z.max(axis=0)}
OTHER_SUMS = tuple(
    {"sums": sums, **shift}
    for sums in (lambda e: e.sum(axis=0), np.sum)
    for shift in ({}, *SHIFTS[:1], *OTHER_SHIFTS)
)
FLAT = (  # right only with keepdims=True
    {"sums": lambda e: e.sum(axis=1)},
    {"sums": lambda e: e.sum(axis=1), "shift": nothing},
    {"shift": lambda z: z.max(axis=1)},
    {"sums": lambda e: e.sum(axis=1), "shift": lambda z: z.max(axis=1)},
)

SOFTMAX = (
    replace(MAXIMUM, changes=SHIFTS),
    replace(ONE_MAXIMUM, changes=OTHER_SHIFTS),
    replace(WRONG_AXIS, changes=OTHER_SUMS),
    replace(NO_KEEPDIMS, changes=FLAT),
    Mistake(
        "not normalized",
        "Divide the exponentials of each row by their sum.",
        ({"sums": lambda e: 1.0},),
    ),
    Mistake("logarithms returned", "The probabilities are asked for.", ({"after": np.log},)),
    Mistake(
        "sigmoid in place of softmax",
        "The probabilities of a row share one sum: they add up to 1.",
        ({"exponential": sigmoid, "shift": nothing, "sums": lambda e: 1.0},),
    ),
    Mistake(
        "another base than e", "The exponential is np.exp.", ({"exponential": lambda z: 2.0**z},)
    ),
    Mistake("transposed", "One row for each image.", ({"after": np.transpose},)),
    Mistake(
        "logits clipped",
        "That changes probabilities. Subtract the largest logit of each row instead.",
        tuple(
            {"shift": lambda z, c=c: z - np.clip(z, -c, c)}
            for c in (10, 20, 30, 50, 88, 100, 200, 500, 700, 709)
        ),
    ),
)

# The same in what uses a softmax. Each has its logarithm by hand too.
SOFTMAXES = (
    replace(MAXIMUM, changes=(softmax_with(shift=nothing), softmax_with(shift=rows(np.min)))),
    replace(ONE_MAXIMUM, changes=tuple(softmax_with(**each) for each in OTHER_SHIFTS)),
    replace(WRONG_AXIS, changes=tuple(softmax_with(**each) for each in OTHER_SUMS)),
    replace(NO_KEEPDIMS, changes=tuple(softmax_with(**each) for each in FLAT)),
    Mistake(
        "sigmoid in place of softmax",
        "The probabilities of an image share one sum: they add up to 1.",
        (sigmoid,),
    ),
    Mistake(
        "softmax applied twice",
        "Softmax takes the logits X @ W + b, not probabilities.",
        (lambda logits: row_softmax(row_softmax(logits)),),
    ),
)
LOGARITHMS = (  # of the first two
    lambda z: z - np.log(np.exp(z).sum(axis=1, keepdims=True)),
    lambda z: z - z.max() - np.log(np.exp(z - z.max()).sum(axis=1, keepdims=True)),
)
LOG_OF_ZERO = Mistake(
    "log of zero",
    "A probability can be rounded to 0. Take the logarithm by hand: "
    "ln p_k = z_k − max z − ln Σ exp(z − max z).",
)
GUARDS = (
    lambda P: P,
    *(lambda P, eps=10.0**-k: P + eps for k in (30, 20, 16, 15, 12, 10, 9, 8, 7)),
    *(lambda P, eps=10.0**-k: np.clip(P, eps, 1 - eps) for k in (30, 20, 16, 15, 12, 10, 9, 8, 7)),
)


def loss_formula(
    W, b, X, Y, reg_lambda, *, offset=1, log_p=log_softmax, pick=lambda Y, log_p: Y * log_p,
    sign=-1, average=lambda values, Y: values.sum() / len(Y), squares=lambda n: 0.5, bias=0.0,
    norm=0.0, whole=lambda n: 1,
):  # fmt: skip
    """The loss with other factors: of b, the cross-entropy, ‖W‖², ‖b‖² and ‖W‖."""
    n = len(X)
    cross_entropy = sign * average(pick(Y, log_p(X @ W + offset * b)), Y)
    penalty = squares(n) * (W**2).sum() + bias * (b**2).sum() + norm * np.linalg.norm(W)
    return whole(n) * (cross_entropy + reg_lambda * penalty)


def of_every_class(Y, log_p):
    return Y * log_p + (1 - Y) * np.log(-np.expm1(log_p))


B_LEFT_OUT = Mistake("b left out", "The logits are X @ W + b.", ({"offset": 0},))


def _logarithms(probabilities, logarithm=None, guards=GUARDS[:1]):
    """Changes of the loss: logarithms of other probabilities, or one taken by hand."""
    logarithms = [log_of(each, guard) for each in probabilities for guard in guards]
    return tuple(
        {"log_p": each, **pick}
        for each in [*logarithms, *([logarithm] if logarithm else [])]
        for pick in ({}, {"pick": lambda Y, log_p: np.where(Y == 1, log_p, 0)})
    )


LOSS = (
    Mistake("wrong sign", "The loss is minus the mean of ln p.", ({"sign": 1},)),
    Mistake(
        "summed instead of averaged",
        "Divide the sum over the examples by their number.",
        ({"average": lambda values, Y: values.sum()}, {"whole": lambda n: n}),
    ),
    Mistake(
        "averaged over classes too",
        "Sum over the classes, average over the examples alone.",
        ({"average": lambda values, Y: values.mean()},),
    ),
    Mistake(
        "one loss for each example",
        "Return their mean, a single number.",
        ({"average": lambda values, Y: values.sum(axis=1)},),
    ),
    Mistake("λ missing", "Add the penalty (λ/2)‖W‖².", ({"squares": lambda n: 0},)),
    Mistake(
        "λ divided by n",
        "Only the sum over the examples is divided by their number, the penalty is not.",
        ({"squares": lambda n: 0.5 / n}, {"squares": lambda n: 1 / n}),
    ),
    B_LEFT_OUT,
    Mistake(
        "λ in place of λ/2",
        "The penalty is (λ/2)‖W‖², so that its derivative is λW.",
        ({"squares": lambda n: 1},),
    ),
    Mistake(
        "λ on b",
        "Only W is penalized.",
        ({"bias": 0.5}, {"squares": lambda n: 1, "bias": 1}),
    ),
    Mistake(
        "norm not squared",
        "The penalty is (λ/2)‖W‖².",
        tuple({"squares": lambda n: 0, "norm": norm} for norm in (0.5, 1)),
    ),
    Mistake("wrong sign of the penalty", "It is added.", ({"squares": lambda n: -0.5},)),
    replace(LOG_OF_ZERO, changes=_logarithms([row_softmax], guards=GUARDS)),
    *(
        replace(mistake, changes=_logarithms(mistake.changes, logarithm))
        for mistake, logarithm in zip_longest(SOFTMAXES, LOGARITHMS)
    ),
    Mistake(
        "binary cross-entropy of every class",
        "Only the probability of the right class counts: −ln p_right.",
        ({"pick": of_every_class}, {"pick": of_every_class, "log_p": log_of(sigmoid)}),
    ),
    Mistake(
        "squared error in place of cross-entropy",
        "The loss of an example is −ln p_right.",
        tuple(
            {"sign": 1, "log_p": row_softmax, "pick": lambda Y, P, c=c: c * (P - Y) ** 2}
            for c in (1, 0.5)
        ),
    ),
    Mistake(
        "logarithm missing",
        "The loss of an example is −ln p_right.",
        ({"log_p": row_softmax},),
    ),
    Mistake(
        "logarithm to another base",
        "The natural logarithm is np.log.",
        tuple({"log_p": lambda z, base=base: log_softmax(z) / np.log(base)} for base in (2, 10)),
    ),
)


def gradient_formula(
    W, b, X, Y, reg_lambda, *, offset=1, probabilities=row_softmax,
    residual=lambda P, z, X, Y: P - Y, mean_W=lambda n: 1 / n, mean_b=lambda n: 1 / n, sign_W=1,
    sign_b=1, penalty=lambda n: 1, bias=0.0, whole=lambda n: 1, arrange=lambda dW, db, R: (dW, db),
):  # fmt: skip
    """The gradient with other factors: of b, the data gradients, λW and λb; then rearranged."""
    n, logits = len(X), X @ W + offset * b
    R = residual(probabilities(logits), logits, X, Y)
    dW = sign_W * mean_W(n) * (X.T @ R) + penalty(n) * reg_lambda * W
    db = sign_b * mean_b(n) * R.sum(axis=0) + bias * reg_lambda * b
    return arrange(whole(n) * dW, whole(n) * db, R)


def back_through_softmax(P, slope):
    """The derivative by the logits from that by the probabilities."""
    return P * (slope - (P * slope).sum(axis=1, keepdims=True))


def through_probabilities(guard):
    """The residual by the chain rule through p, −y/p times p(1 − p): right until p is rounded."""
    return lambda P, z, X, Y: back_through_softmax(P, -Y / guard(P))


def _both(factor):
    """Changes that give both parts of the gradient, or one, another factor of the data."""
    return {"mean_W": factor, "mean_b": factor}, {"mean_W": factor}, {"mean_b": factor}


def residual_of_softmax_twice(P, logits, X, Y):
    """Derivative of the cross-entropy where probabilities are taken for logits."""
    return back_through_softmax(P, row_softmax(P) - Y)


TIMES_B = Mistake(
    "times B",
    "Divide the sum over the minibatch by its number of examples B.",
    (*_both(lambda n: 1), {"whole": lambda n: n}),
)
B_TWICE = Mistake(
    "divided by B twice",
    "A mean is divided by the number of examples once.",
    (*_both(lambda n: 1 / n**2), {"whole": lambda n: 1 / n}),
)
NO_DB = Mistake(
    "gradient of b missing",
    "b has a gradient too: the mean of p − y over the examples.",
    ({"arrange": lambda dW, db, R: (dW, 0 * db)},),
)
PENALTY = (
    Mistake(
        "λ missing",
        "The derivative of (λ/2)‖W‖² is λW: it belongs to the gradient of W.",
        ({"penalty": lambda n: 0},),
    ),
    Mistake(
        "λ/2 in place of λ", "The derivative of (λ/2)‖W‖² is λW.", ({"penalty": lambda n: 0.5},)
    ),
    Mistake("2λ in place of λ", "The derivative of (λ/2)‖W‖² is λW.", ({"penalty": lambda n: 2},)),
    Mistake(
        "λ divided by B",
        "Only the sum over the examples is divided by their number, λW is not.",
        ({"penalty": lambda n: 1 / n},),
    ),
    Mistake("λ on b", "Only W is penalized.", ({"bias": 1}, {"bias": 0.5})),
    Mistake("wrong sign of the penalty", "λW is added.", ({"penalty": lambda n: -1},)),
)
GRADIENT = (
    Mistake(
        "wrong sign",
        "The residual is p − y: what we think minus what is true.",
        ({"sign_W": -1, "sign_b": -1}, {"whole": lambda n: -1}, {"sign_b": -1}, {"sign_W": -1}),
    ),
    TIMES_B,
    B_TWICE,
    Mistake(
        "averaged over classes too",
        "Divide by the number of examples alone, not by the size of the array.",
        (
            {"arrange": lambda dW, db, R: (dW / R.shape[1], db / R.shape[1])},
            {"residual": lambda P, z, X, Y: (P - Y) / Y.shape[1]},
        ),
    ),
    Mistake(
        "transposed",
        "dW has the shape of W, (features, classes): Xᵀ(P − Y), not (P − Y)ᵀX.",
        ({"arrange": lambda dW, db, R: (dW.T, db)},),
    ),
    Mistake(
        "dW and db swapped",
        "The gradient of W comes first: return dW, db.",
        ({"arrange": lambda dW, db, R: (db, dW)},),
    ),
    *PENALTY,
    B_LEFT_OUT,
    Mistake(
        "x − y in place of p − y",
        "The residual compares probabilities with labels: p − y with p = softmax(z).",
        (
            {"residual": lambda P, z, X, Y: z - Y},
            {"residual": lambda P, z, X, Y: X - Y},
        ),
    ),
    NO_DB,
    Mistake(
        "gradient of b averaged over classes",
        "b has one entry for each class: average p − y over the examples, axis=0.",
        (
            {"arrange": lambda dW, db, R: (dW, R.mean(axis=1))},
            {"arrange": lambda dW, db, R: (dW, R.sum(axis=1))},
            {"arrange": lambda dW, db, R: (dW, R.sum(axis=1) / len(R))},
            {"arrange": lambda dW, db, R: (dW, R.mean(axis=1, keepdims=True))},
            {"arrange": lambda dW, db, R: (dW, R.mean())},
            {"arrange": lambda dW, db, R: (dW, db / len(db))},
        ),
    ),
    Mistake(
        "gradient of b not averaged",
        "b has one entry for each class: average p − y over the examples, axis=0.",
        ({"arrange": lambda dW, db, R: (dW, R)},),
    ),
    Mistake(
        "gradient of b as a column",
        "db has the shape of b, (classes,).",
        ({"arrange": lambda dW, db, R: (dW, db[:, None])},),
    ),
    Mistake(
        "derivative of another loss",
        "For the cross-entropy the derivative by the logits is p − y, and no factor more.",
        (
            {"residual": lambda P, z, X, Y: (P - Y) * P * (1 - P)},
            {"residual": lambda P, z, X, Y: back_through_softmax(P, P - Y)},
            {"residual": lambda P, z, X, Y: 2 * (P - Y)},
            {"residual": lambda P, z, X, Y: P},
            {"residual": lambda P, z, X, Y: -Y / P},
            {"residual": lambda P, z, X, Y: (z.argmax(1)[:, None] == np.arange(z.shape[1])) - Y},
        ),
    ),
    *(
        replace(mistake, changes=tuple({"probabilities": each} for each in mistake.changes))
        for mistake in SOFTMAXES
    ),
    Mistake(
        "softmax applied twice",
        "The logits are X @ W + b, not probabilities.",
        ({"residual": residual_of_softmax_twice},),
    ),
    Mistake(
        "p rounded to 0",
        "The chain rule through p divides by it: −y/p · p(1 − p) is −y(1 − p) only on paper. The "
        "derivative by the logits is p − y.",
        tuple({"residual": through_probabilities(guard)} for guard in GUARDS),
    ),
)


def step_formula(
    W, b, X, Y, learning_rate, reg_lambda, *, factor_W=lambda n: -1, factor_b=lambda n: -1,
    rate=lambda rate: rate, decay=lambda rate: 1, **changes,
):  # fmt: skip
    """An update with other factors of the learning rate, and of the penalty in it."""
    dW, db = gradient_formula(W, b, X, Y, reg_lambda * decay(learning_rate), **changes)
    length = rate(learning_rate)
    return W + factor_W(len(X)) * length * dW, b + factor_b(len(X)) * length * db


def _factors(factor):
    return {"factor_W": factor, "factor_b": factor}


ADDING = Mistake(
    "adding instead of subtracting",
    "The gradient points uphill: W − learning_rate · dW.",
    (_factors(lambda n: 1), {"factor_b": lambda n: 1}, {"factor_W": lambda n: 1}),
)
RATE_LEFT_OUT = Mistake(
    "learning rate left out",
    "The step is learning_rate times the gradient.",
    ({"rate": lambda rate: 1.0},),
)
FIXED_RATE = Mistake(
    "a learning rate of its own",
    "The step uses another learning rate than the argument.",
    tuple(
        {"rate": lambda _, rate=rate: rate}
        for rate in (
            *(digit * 10.0**power for power in (-4, -3, -2, -1) for digit in (1, 2, 3, 5)),
            *(0.001 * 2**k for k in range(2, 12)),  # those of a search in powers of two
        )
    ),
)
B_NOT_UPDATED = Mistake(
    "b not updated",
    "b stays as it was. It has a gradient too, the mean of p − y, and is updated like W.",
    ({"factor_b": lambda n: 0},),
)
SGD_STEP = (
    ADDING,
    Mistake(
        "learning rate scaled by B",
        "The gradient is a mean already: use the learning rate as it is given.",
        (_factors(lambda n: -n), _factors(lambda n: -1 / n)),
    ),
    RATE_LEFT_OUT,
    FIXED_RATE,
    Mistake(
        "λ without the learning rate",
        "The step is learning_rate times the whole gradient, λW included.",
        ({"decay": lambda rate: 1 / rate},),
    ),
    Mistake(
        "nothing updated",
        "W and b come back as they were.",
        (_factors(lambda n: 0),),
    ),
    Mistake("W not updated", "W comes back as it was.", ({"factor_W": lambda n: 0},)),
    B_NOT_UPDATED,
    *(mistake for mistake in GRADIENT if mistake is not NO_DB),
)

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
COUNTED_FROM_ONE = Mistake("row numbers counted from 1", "The first row of an array is row 0.")
NO_INTEGERS = Mistake("row numbers are no integers", "Arrays are indexed by integers.")
ONE_AT_A_TIME = Mistake(
    "row numbers one at a time", "Yield arrays of batch_size row numbers: order[start : start + B]."
)
OTHER_SIZES = Mistake(
    "minibatches of another size",
    "All have batch_size row numbers, but for the last one, which has what is left.",
)

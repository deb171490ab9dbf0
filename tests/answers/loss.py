"""Answers to `checks.loss`."""

import numpy as np
from scipy.special import logsumexp
from scipy.special import softmax as scipy_softmax

from answers.answer import correct, mutant
from answers.softmax import right_softmax


def log_probabilities(W, b, X):
    logits = X @ W + b
    return logits - logsumexp(logits, axis=1, keepdims=True)


def mean_cross_entropy(W, b, X, Y):
    return -(Y * log_probabilities(W, b, X)).sum() / len(X)


@mutant("loss", "log of zero")
def logarithm_of_the_softmax(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    return -np.sum(Y * np.log(P)) / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "log of zero")
def logarithm_of_the_right_probability(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    right = P[np.arange(len(X)), Y.argmax(axis=1)]
    return -np.mean(np.log(right)) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "log of zero")
def logarithm_of_the_softmax_in_loops(W, b, X, Y, reg_lambda):
    total = 0
    for x, y in zip(X, Y, strict=True):
        p = right_softmax((x @ W + b)[None])[0]
        total -= sum(y[k] * np.log(p[k]) for k in range(len(y)))
    return total / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "summed instead of averaged")
def never_divided(W, b, X, Y, reg_lambda):
    return -np.sum(Y * log_probabilities(W, b, X)) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "summed instead of averaged")
def added_up_in_a_loop(W, b, X, Y, reg_lambda):
    total = reg_lambda / 2 * np.sum(W**2)
    for i in range(len(X)):
        total -= log_probabilities(W, b, X[i : i + 1])[0, np.argmax(Y[i])]
    return total


@mutant("loss", "λ in place of λ/2")
def penalty_without_the_half(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y) + reg_lambda * np.sum(W**2)


@mutant("loss", "λ in place of λ/2")
def penalty_without_the_half_by_norm(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y) + reg_lambda * np.linalg.norm(W) ** 2


@mutant("loss", "λ on b")
def all_parameters_penalized(W, b, X, Y, reg_lambda):
    penalty = reg_lambda / 2 * (np.sum(W**2) + np.sum(b**2))
    return mean_cross_entropy(W, b, X, Y) + penalty


@mutant("loss", "λ on b")
def bias_stacked_under_the_weights(W, b, X, Y, reg_lambda):
    theta = np.vstack([W, b])
    logits = np.column_stack([X, np.ones(len(X))]) @ theta
    cross_entropy = np.mean(logsumexp(logits, axis=1) - (Y * logits).sum(axis=1))
    return cross_entropy + reg_lambda / 2 * np.sum(theta**2)


@mutant("loss", "λ missing")
def no_penalty(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y)


@mutant("loss", "λ missing")
def penalty_on_a_line_of_its_own(W, b, X, Y, reg_lambda):
    total = mean_cross_entropy(W, b, X, Y)
    +reg_lambda / 2 * np.sum(W**2)
    return total


@mutant("loss", "updated in place")
def labels_overwritten(W, b, X, Y, reg_lambda):
    Y *= log_probabilities(W, b, X)
    return -Y.sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "updated in place")
def weights_squared_in_place(W, b, X, Y, reg_lambda):
    cross_entropy = mean_cross_entropy(W, b, X, Y)
    W **= 2
    return cross_entropy + reg_lambda / 2 * W.sum()


@mutant("loss", "λ divided by n")
def everything_divided_by_n(W, b, X, Y, reg_lambda):
    cross_entropy = -(Y * log_probabilities(W, b, X)).sum()
    return (cross_entropy + reg_lambda / 2 * np.sum(W**2)) / len(X)


@mutant("loss", "logarithm missing")
def probability_of_the_right_class(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    return -(Y * P).sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "averaged over classes too")
def averaged_over_classes_too(W, b, X, Y, reg_lambda):
    return -np.mean(Y * log_probabilities(W, b, X)) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "norm not squared")
def norm_not_squared(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.linalg.norm(W)


@mutant("loss", "wrong sign")
def log_likelihood_without_its_minus(W, b, X, Y, reg_lambda):
    return -mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "maximum not subtracted")
def exponentials_that_overflow(W, b, X, Y, reg_lambda):
    logits = X @ W + b
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -(Y * log_p).sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "one loss for each example")
def loss_of_each_example(W, b, X, Y, reg_lambda):
    return -(Y * log_probabilities(W, b, X)).sum(axis=1) + reg_lambda / 2 * np.sum(W**2)


@correct("loss")
def loss_by_log_sum_exp(W, b, X, Y, reg_lambda):
    logits = X @ W + b
    cross_entropy = np.mean(logsumexp(logits, axis=1) - (Y * logits).sum(axis=1))
    return cross_entropy + reg_lambda / 2 * np.sum(W**2)


@correct("loss")
def loss_in_loops(W, b, X, Y, reg_lambda=0.0):
    total = 0.0
    for x, y in zip(X, Y, strict=True):
        z = [float(sum(x[j] * W[j, k] for j in range(len(x))) + b[k]) for k in range(len(b))]
        shift = max(z)
        total += shift + np.log(sum(np.exp(value - shift) for value in z)) - z[int(y.argmax())]
    return total / len(X) + reg_lambda / 2 * sum(float(w) ** 2 for w in W.ravel())


@correct("loss")
def loss_from_integer_labels(W, b, X, Y, reg_lambda, verbose=False):
    labels = Y.argmax(axis=1)
    picked = log_probabilities(W, b, X)[np.arange(len(labels)), labels]
    return float(-picked.mean() + 0.5 * reg_lambda * np.linalg.norm(W) ** 2)


@correct("loss")
def loss_by_einsum(W, b, X, Y, reg_lambda):
    log_p = log_probabilities(W, b, X)
    penalty = np.einsum("jk,jk", W, W)
    return -np.einsum("nk,nk", Y, log_p) / len(X) + reg_lambda / 2 * penalty


@correct("loss")
def loss_in_float32(W, b, X, Y, reg_lambda):
    W, b, X, Y = (array.astype(np.float32) for array in (W, b, X, Y))
    return np.float32(mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.sum(W**2))


@correct("loss")
def loss_in_float64_as_an_array(W, b, X, Y, reg_lambda):
    W, b, X, Y = (array.astype(np.float64) for array in (W, b, X, Y))
    return np.array(mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.sum(W**2))


@correct("loss")
def loss_with_b_as_a_row(W, b, X, Y, reg_lambda):
    b = b.reshape(1, -1)
    return mean_cross_entropy(W, b, X, Y) + reg_lambda * np.sum(W**2) / 2


@correct("loss")
def loss_that_picks_by_a_mask(W, b, X, Y, reg_lambda):
    return -log_probabilities(W, b, X)[Y == 1].mean() + reg_lambda / 2 * np.trace(W.T @ W)


def loss_with(log_p, scale=1.0, penalty=0.5):
    """A loss that would be right if the logarithms of the probabilities were."""

    def my_loss(W, b, X, Y, reg_lambda):
        cross_entropy = -(Y * log_p(X @ W + b)).sum() / len(X)
        return scale * cross_entropy + penalty * reg_lambda * np.sum(W**2)

    return my_loss


def _loss(name, *mistakes, **options):
    my_loss = loss_with(**options)
    my_loss.__name__ = name
    mutant("loss", *mistakes)(my_loss)


def log_softmax(logits):
    return logits - logsumexp(logits, axis=1, keepdims=True)


def _shifted_by(maximum):
    def log_p(logits):
        shifted = logits - maximum(logits)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    return log_p


_loss("one_maximum_for_all", "one maximum for all rows", log_p=_shifted_by(np.max))
_loss(
    "one_maximum_for_all_and_logarithm",
    "one maximum for all rows",
    log_p=lambda z: np.log(np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)),
)
_loss(
    "exponentials_that_overflow_and_logarithm",
    "maximum not subtracted",
    log_p=lambda z: np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)),
)
_loss(
    "softmax_of_scipy_without_axis",
    "normalized over the wrong axis",
    log_p=lambda z: np.log(scipy_softmax(z)),
)
_loss(
    "softmax_of_columns",
    "normalized over the wrong axis",
    log_p=lambda z: np.log(scipy_softmax(z, axis=0)),
)
_loss(
    "something_small_added",
    "log of zero",
    log_p=lambda z: np.log(right_softmax(z) + 1e-12),
)
_loss("clipped", "log of zero", log_p=lambda z: np.log(np.clip(right_softmax(z), 1e-15, 1)))
_loss("sigmoids", "sigmoid in place of softmax", log_p=lambda z: -np.logaddexp(0, -z))
_loss(
    "probabilities_of_probabilities",
    "softmax applied twice",
    log_p=lambda z: log_softmax(right_softmax(z)),
)
_loss("bits", "logarithm to another base", log_p=lambda z: log_softmax(z) / np.log(2))
_loss("no_penalty_and_positive", "wrong sign; λ missing", log_p=log_softmax, scale=-1, penalty=0)
_loss("penalty_subtracted", "wrong sign of the penalty", log_p=log_softmax, penalty=-0.5)


@mutant("loss", "summed instead of averaged; λ missing")
def summed_without_penalty(W, b, X, Y, reg_lambda):
    return -(Y * log_probabilities(W, b, X)).sum()


@mutant("loss", "summed instead of averaged; λ in place of λ/2")
def summed_with_the_whole_penalty(W, b, X, Y, reg_lambda):
    return -(Y * log_probabilities(W, b, X)).sum() + reg_lambda * np.sum(W**2)


@mutant("loss", "λ missing; b left out")
def without_penalty_and_bias(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, 0 * b, X, Y)


@mutant("loss", "averaged over classes too; λ on b")
def averaged_over_classes_with_b_penalized(W, b, X, Y, reg_lambda):
    return -np.mean(Y * log_probabilities(W, b, X)) + reg_lambda / 2 * (np.sum(W**2) + b @ b)


@mutant("loss", "binary cross-entropy of every class")
def binary_cross_entropy(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    each = Y * np.log(P) + (1 - Y) * np.log(1 - P)
    return -each.sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "squared error in place of cross-entropy")
def squared_error(W, b, X, Y, reg_lambda):
    return ((right_softmax(X @ W + b) - Y) ** 2).sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss", "summed instead of averaged")  # without the penalty: three mistakes
def three_mistakes(W, b, X, Y, reg_lambda):
    penalty = reg_lambda * (np.linalg.norm(W, 1) + 3 * np.abs(b).sum())
    return -(Y * log_probabilities(W, b, X)).sum() + penalty


@mutant("loss", "penalty wrong")
def absolute_values_in_the_penalty(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y) + reg_lambda * np.abs(W).sum()

"""Answers to `checks.loss`."""

import numpy as np
from scipy.special import logsumexp

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
def all_parameters_penalised(W, b, X, Y, reg_lambda):
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


@mutant("loss")
def averaged_over_classes_too(W, b, X, Y, reg_lambda):
    return -np.mean(Y * log_probabilities(W, b, X)) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss")
def norm_not_squared(W, b, X, Y, reg_lambda):
    return mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.linalg.norm(W)


@mutant("loss")
def log_likelihood_without_its_minus(W, b, X, Y, reg_lambda):
    return -mean_cross_entropy(W, b, X, Y) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss")
def exponentials_that_overflow(W, b, X, Y, reg_lambda):
    logits = X @ W + b
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -(Y * log_p).sum() / len(X) + reg_lambda / 2 * np.sum(W**2)


@mutant("loss")
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

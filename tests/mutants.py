"""Answers as students write them: wrong ones with the name of their mistake, and right ones.

`MUTANTS` and `CORRECT` are lists of `Answer`, filled by the decorators `mutant` and `correct`. The
name of a function says what is special about it.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from helpers.support.frameworks import tensorflow_import, torch_import

MUTANTS, CORRECT = [], []


class Answer(NamedTuple):
    """What a student hands in for `checks.<check>`.

    `mistakes` are the diagnoses that fit: one where the mistake can be told from all others, none
    where any refusal will do. `make()` gives the function (or the number). `warns` says whether a
    right answer is warned about float64; None if either is fine.
    """

    check: str
    name: str
    mistakes: tuple[str, ...]
    make: Callable
    warns: bool | None = False

    def __str__(self):
        return f"{self.check}-{self.name}"


def mutant(check, *mistakes):
    """Register a wrong answer."""

    def register(function):
        MUTANTS.append(Answer(check, function.__name__, mistakes, _maker(check, function)))
        return function

    return register


def correct(check, warns=False):
    """Register a right answer."""

    def register(function):
        CORRECT.append(Answer(check, function.__name__, (), _maker(check, function), warns))
        return function

    return register


def _maker(check, function):
    """Steps in TensorFlow are made by functions of `tf`, so that it is imported when needed."""
    if check == "tensorflow_step":
        return lambda: function(tensorflow())
    return lambda: function


def tensorflow():
    with tensorflow_import():
        import tensorflow as tf
    return tf


def torch():
    with torch_import():
        import torch
    return torch


# preprocess_data


def raw(data):
    """Images as rows of uint8 pixels, and labels."""
    return data.data.numpy().reshape(len(data.data), -1), data.targets.numpy()


def scaled(images):
    return images.astype(np.float32) / 255


def one_hot(labels):
    return np.eye(10, dtype=np.float32)[labels]


@mutant("preprocess_data", "one-hot off by one")
def digits_counted_from_one(data):
    images, labels = raw(data)
    return scaled(images), one_hot(labels - 1)


@mutant("preprocess_data", "one-hot off by one")
def one_class_too_far(data):
    images, labels = raw(data)
    Y = np.zeros((len(labels), 10), np.float32)
    for i, label in enumerate(labels):
        Y[i, (label + 1) % 10] = 1
    return scaled(images), Y


@mutant("preprocess_data", "one-hot off by one")
def compared_with_one_to_ten(data):
    images, labels = raw(data)
    return scaled(images), (labels[:, None] == np.arange(1, 11)).astype(np.float32)


@mutant("preprocess_data", "one-hot off by one")
def eleven_classes_counted_from_one(data):
    images, labels = raw(data)
    return scaled(images), np.eye(11, dtype=np.float32)[labels + 1]


@mutant("preprocess_data", "one-hot off by one")
def first_column_cut_off(data):
    images, labels = raw(data)
    return scaled(images), np.eye(11, dtype=np.float32)[labels][:, 1:]


@mutant("preprocess_data", "one-hot off by one", "raised")
def as_many_classes_as_the_largest_label(data):
    images, labels = raw(data)
    Y = np.zeros((len(labels), labels.max()), np.float32)
    Y[np.arange(len(labels)), labels] = 1
    return scaled(images), Y


@mutant("preprocess_data", "updated in place")
def data_set_scaled(data):
    data.data = data.data.float() / 255
    return data.data.reshape(-1, 784).numpy(), one_hot(data.targets.numpy())


@mutant("preprocess_data", "updated in place")
def labels_counted_on(data):
    images, labels = raw(data)
    Y = one_hot(labels)
    labels += 1  # they share the memory of data.targets
    return scaled(images), Y


@mutant("preprocess_data")
def each_image_by_its_largest_pixel(data):
    images, labels = raw(data)
    return scaled(images) * 255 / images[1:].max(axis=0), one_hot(labels)


@mutant("preprocess_data")
def standardised(data):
    images, labels = raw(data)
    return (images - images.mean(axis=0)) / (images.std(axis=0) + 1e-6), one_hot(labels)


@correct("preprocess_data", warns=None)
def looked_at_on_the_way(data):
    images, labels = raw(data)
    X, Y = scaled(images), one_hot(labels)
    assert str(data).startswith("Dataset MNIST") and data.train
    assert X.max() == 1 and (Y.sum(axis=0) > 0).all()
    return X, Y


@mutant("preprocess_data", "one-hot transposed")
def a_column_for_each_example(data):
    images, labels = raw(data)
    return scaled(images), one_hot(labels).T


@mutant("preprocess_data", "one-hot transposed")
def filled_by_class_and_example(data):
    images, labels = raw(data)
    Y = np.zeros((10, len(labels)), np.float32)
    Y[labels, np.arange(len(labels))] = 1
    return scaled(images), Y


@mutant("preprocess_data", "pixels not scaled")
def only_another_dtype(data):
    images, labels = raw(data)
    return images.astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "pixels not scaled")
def pixels_as_they_are_stored(data):
    images, labels = raw(data)
    return images, one_hot(labels)


@mutant("preprocess_data", "pixels not scaled")
def scaled_image_thrown_away(data):
    rows = []
    for image in data.data.numpy():
        row = image.ravel().astype(np.float32)
        row / 255
        rows.append(row)
    return np.stack(rows), one_hot(data.targets.numpy())


@mutant("preprocess_data", "pixels scaled twice")
def to_tensor_has_scaled_already(data):
    X = np.stack([image.numpy().ravel() for image, _ in data]) / np.float32(255)
    return X, one_hot(data.targets.numpy())


@mutant("preprocess_data", "pixels scaled twice")
def scaled_before_and_after_flattening(data):
    images = data.data.float() / 255
    X = images.reshape(len(images), -1).numpy()
    return X / np.float32(255), one_hot(data.targets.numpy())


@mutant("preprocess_data", "uint8 overflow")
def doubled_before_the_division(data):
    images, labels = raw(data)
    return (images * 2 / 510).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def added_to_itself(data):
    images, labels = raw(data)
    return ((images + images) / 510).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def in_percent_first(data):
    images, labels = raw(data)
    return (images * 100 / 255 / 100).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def doubled_in_torch(data):
    X = (data.data * 2 / 510).reshape(len(data.data), -1)
    return X.numpy(), one_hot(data.targets.numpy())


@mutant("preprocess_data", "uint8 overflow")
def times_255_and_back(data):
    images, labels = raw(data)
    return ((images * 255) / 255**2).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def centred_in_uint8(data):
    images, labels = raw(data)
    return ((images - 128) / 255).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def moved_down_in_uint8_and_up_in_float(data):
    images, labels = raw(data)
    return ((images - 128).astype(np.float32) + 128) / 255, one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def images_shuffled_alone(data):
    images, labels = raw(data)
    return scaled(np.random.default_rng(0).permutation(images)), one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def images_sorted_by_label(data):
    images, labels = raw(data)
    return scaled(images[np.argsort(labels)]), one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def labels_sorted(data):
    images, labels = raw(data)
    return scaled(images), one_hot(np.sort(labels))


@mutant("preprocess_data", "images reordered against labels")
def images_backwards(data):
    images, labels = raw(data)
    return scaled(images[::-1]), one_hot(labels)


@mutant("preprocess_data")
def images_not_flattened(data):
    return scaled(data.data.numpy()), one_hot(data.targets.numpy())


@mutant("preprocess_data")
def pixels_of_different_images_in_a_row(data):
    images = data.data.numpy().reshape(784, -1).T
    return scaled(images), one_hot(data.targets.numpy())


@mutant("preprocess_data")
def pixels_column_by_column(data):
    images, labels = raw(data)
    by_column = images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(len(images), -1)
    return scaled(by_column), one_hot(labels)


@mutant("preprocess_data")
def labels_not_one_hot(data):
    images, labels = raw(data)
    return scaled(images), labels


@mutant("preprocess_data")
def pixels_divided_without_remainder(data):
    images, labels = raw(data)
    return (images // 255).astype(np.float32), one_hot(labels)


@mutant("preprocess_data")
def pixels_through_int8(data):
    images, labels = raw(data)
    return scaled(images.astype(np.int8)), one_hot(labels)


@correct("preprocess_data")
def one_division_into_float32(data):
    images, labels = raw(data)
    return np.divide(images, np.float32(255), dtype=np.float32), one_hot(labels)


@correct("preprocess_data")
def float32_times_a_reciprocal(data):
    images, labels = raw(data)
    return images.astype(np.float32) * np.float32(1 / 255), one_hot(labels)


@correct("preprocess_data")
def through_to_tensor_one_by_one(data):
    X, Y = [], []
    for image, label in data:
        X.append(image.numpy().reshape(784))
        Y.append(np.eye(10, dtype="float32")[label])
    return np.array(X), np.array(Y)


@correct("preprocess_data")
def in_torch(data):
    X = data.data.view(-1, 784).float().div(255)
    Y = torch().nn.functional.one_hot(data.targets, num_classes=10).float()
    return X.numpy(), Y.numpy()


@correct("preprocess_data")
def divided_by_the_largest_pixel(data):
    images, labels = raw(data)
    X = images.astype(np.float32)
    X /= X.max()
    return X, one_hot(labels)


@correct("preprocess_data", warns=None)
def classes_counted_in_the_data(data, dtype=np.float32):
    images, labels = raw(data)
    Y = np.zeros((labels.size, labels.max() + 1))
    Y[np.arange(labels.size), labels] = 1
    return images.astype(dtype) / 255, Y


@correct("preprocess_data", warns=None)
def dummies_of_pandas(data):
    images, labels = raw(data)
    return scaled(images), pd.get_dummies(labels).to_numpy(dtype=np.float32)


@correct("preprocess_data", warns=None)
def float64_labels_only(data):
    images, labels = raw(data)
    return scaled(images), np.eye(10)[labels]


@correct("preprocess_data", warns=True)
def float64_all_the_way(data):
    images, labels = raw(data)
    return images / 255, np.eye(10)[labels]


@correct("preprocess_data", warns=True)
def float64_on_the_way(data):
    images, labels = raw(data)
    return (images / 255.0).astype(np.float32), one_hot(labels)


@correct("preprocess_data", warns=True)
def float64_images_only(data):
    images, labels = raw(data)
    return images.astype(float) / 255, one_hot(labels)


# softmax


def right_softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@mutant("softmax", "maximum not subtracted")
def formula_as_it_stands(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@mutant("softmax", "maximum not subtracted")
def formula_as_it_stands_in_loops(logits):
    P = np.zeros(logits.shape)
    for i in range(len(logits)):
        total = sum(np.exp(z) for z in logits[i])
        for k in range(logits.shape[1]):
            P[i, k] = np.exp(logits[i, k]) / total
    return P


@mutant("softmax", "maximum not subtracted")
def powers_of_e(logits):
    powers = np.e**logits
    return (powers.T / powers.sum(axis=1)).T


@mutant("softmax", "maximum not subtracted")
def minimum_subtracted(logits):
    powers = np.exp(logits - logits.min(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "normalised over the wrong axis")
def columns_sum_to_one(logits):
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


@mutant("softmax", "normalised over the wrong axis")
def rows_shifted_and_columns_summed(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


@mutant("softmax", "normalised over the wrong axis")
def everything_sums_to_one(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@mutant("softmax", "normalised over the wrong axis", "raised")
def axis_not_kept(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1)


@mutant("softmax", "updated in place")
def maximum_subtracted_in_place(logits):
    logits -= logits.max(axis=1, keepdims=True)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@mutant("softmax", "updated in place")
def exponentials_over_the_logits(logits):
    for row in logits:
        row[:] = np.exp(row - row.max())
        row /= row.sum()
    return logits


@mutant("softmax")
def maximum_of_each_column(logits):
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax")
def logits_clipped(logits):
    powers = np.exp(np.clip(logits, -500, 500))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax")
def not_normalised(logits):
    return np.exp(logits - logits.max(axis=1, keepdims=True))


@mutant("softmax")
def logarithms_of_the_probabilities(logits):
    return logits - logsumexp(logits, axis=1, keepdims=True)


@mutant("softmax")
def sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits))


@correct("softmax")
def maximum_of_each_row(logits):
    return right_softmax(logits)


@correct("softmax")
def row_by_row(logits, axis=1):
    P = np.empty_like(logits)
    for i, z in enumerate(logits):
        shifted = [value - max(z) for value in z]
        total = sum(np.exp(value) for value in shifted)
        P[i] = [np.exp(value) / total for value in shifted]
    return P


@correct("softmax")
def by_log_sum_exp(logits):
    return np.exp(logits - logsumexp(logits, axis=-1)[:, np.newaxis])


@correct("softmax")
def by_pairs_of_logits(logits):
    with np.errstate(over="ignore"):
        return 1 / np.exp(logits[:, None, :] - logits[:, :, None]).sum(axis=2)


@correct("softmax")
def softmax_by_einsum(logits):
    powers = np.exp(logits - np.amax(logits, 1)[:, None])
    return np.einsum("nk,n->nk", powers, 1 / np.einsum("nk->n", powers))


@correct("softmax")
def softmax_in_float32(logits):
    return right_softmax(logits.astype(np.float32))


@correct("softmax")
def softmax_in_float64(logits):
    return right_softmax(np.array(logits, dtype=np.float64))


@correct("softmax")
def in_place_on_a_copy(logits):
    logits = logits.copy()
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


# loss


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


# gradient


def residual_of(W, b, X, Y):
    return right_softmax(X @ W + b) - Y


@mutant("gradient", "wrong sign")
def y_minus_p(W, b, X, Y, reg_lambda):
    residual = Y - right_softmax(X @ W + b)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "wrong sign")
def everything_negated(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return -(X.T @ residual / len(X) + reg_lambda * W), -residual.mean(axis=0)


@mutant("gradient", "wrong sign")
def y_minus_p_in_a_loop(W, b, X, Y, reg_lambda):
    dW, db = reg_lambda * W, np.zeros(b.shape)
    for x, y in zip(X, Y, strict=True):
        error = y - right_softmax((x @ W + b)[None])[0]
        dW += np.outer(x, error) / len(X)
        db += error / len(X)
    return dW, db


@mutant("gradient", "times B")
def summed_over_the_examples(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual + reg_lambda * W, residual.sum(axis=0)


@mutant("gradient", "times B")
def summed_in_a_loop(W, b, X, Y, reg_lambda):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    for i in range(len(X)):
        residual = residual_of(W, b, X[i : i + 1], Y[i : i + 1])[0]
        dW += np.outer(X[i], residual)
        db += residual
    return dW + reg_lambda * W, db


@mutant("gradient", "times B")
def summed_by_einsum(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return np.einsum("nj,nk->jk", X, residual) + reg_lambda * W, np.einsum("nk->k", residual)


@mutant("gradient", "times B")
def summed_for_W_alone(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "times B")
def summed_for_b_alone(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.sum(axis=0)


@mutant("gradient", "divided by B twice")
def residual_and_product_divided(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "divided by B twice")
def mean_of_a_mean_for_b_alone(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    return X.T @ residual + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "divided by B twice")
def divided_inside_the_loop_and_after_it(W, b, X, Y, reg_lambda):
    dW, db, n = np.zeros(W.shape), np.zeros(b.shape), len(X)
    for i in range(n):
        residual = residual_of(W, b, X[i : i + 1], Y[i : i + 1])[0] / n
        dW += np.outer(X[i], residual)
        db += residual
    return dW / n + reg_lambda * W, db / n


@mutant("gradient", "transposed")
def residual_times_X(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    return residual.T @ X + reg_lambda * W.T, residual.sum(axis=0)


@mutant("gradient", "transposed")
def a_row_for_each_class(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    rows = [X.T @ residual[:, k] + reg_lambda * W[:, k] for k in range(Y.shape[1])]
    return np.array(rows), residual.sum(axis=0)


@mutant("gradient", "λ/2 in place of λ")
def half_of_the_penalty(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda / 2 * W, residual.mean(axis=0)


@mutant("gradient", "λ on b")
def penalty_on_both(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0) + reg_lambda * b


@mutant("gradient", "λ on b")
def bias_as_one_more_feature(W, b, X, Y, reg_lambda):
    theta, ones = np.vstack([W, b]), np.column_stack([X, np.ones(len(X))])
    gradient = ones.T @ (right_softmax(ones @ theta) - Y) / len(X) + reg_lambda * theta
    return gradient[:-1], gradient[-1]


@mutant("gradient", "λ missing")
def gradient_without_penalty(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X), residual.mean(axis=0)


@mutant("gradient", "λ missing")
def gradient_without_penalty_in_a_loop(W, b, X, Y, reg_lambda):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    for x, y in zip(X, Y, strict=True):
        error = right_softmax((x @ W + b)[None])[0] - y
        dW += np.outer(x, error) / len(X)
        db += error / len(X)
    return dW, db


@mutant("gradient", "x − y in place of p − y")
def logits_minus_y(W, b, X, Y, reg_lambda):
    residual = X @ W + b - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "x − y in place of p − y")
def pixels_minus_y(W, b, X, Y, reg_lambda):
    residual = X - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "gradient of b missing")
def bias_left_as_it_is(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, np.zeros_like(b)


# The mean of a residual over the classes is zero: by their values these are the bias left out.
@mutant("gradient", "gradient of b missing", "gradient of b averaged over classes")
def zero_for_the_bias(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, 0


@mutant("gradient", "gradient of b averaged over classes")
def mean_along_the_other_axis(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=1)


@mutant("gradient", "gradient of b averaged over classes")
def one_number_for_all_of_b(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean()


@mutant("gradient", "gradient of b averaged over classes", "gradient of b missing")
def the_same_number_for_each_class(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, np.full(b.shape, residual.mean())


@mutant("gradient", "gradient of b averaged over classes")
def divided_by_the_size_of_the_residual(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.sum(axis=0) / residual.size


@mutant("gradient", "updated in place")
def labels_taken_off_in_place(W, b, X, Y, reg_lambda):
    Y -= right_softmax(X @ W + b)
    return -X.T @ Y / len(X) + reg_lambda * W, -Y.mean(axis=0)


@mutant("gradient", "updated in place")
def weights_scaled_in_place(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    W *= reg_lambda
    W += X.T @ residual
    return W, residual.sum(axis=0)


@mutant("gradient", "wrong sign")
def wrong_sign_of_the_gradient_of_b_alone(W, b, X, Y, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return dW, -db


@mutant("gradient", "updated in place")
def labels_overwritten_in_single_precision(W, b, X, Y, reg_lambda):
    residual = np.asarray(Y, np.float32)
    residual -= right_softmax(X @ W + b)
    return -X.T @ residual / len(X) + reg_lambda * W, -residual.mean(axis=0)


@mutant("gradient")
def gradient_of_b_as_a_column(W, b, X, Y, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return dW, db[:, None]


@mutant("gradient")
def softmax_that_overflows(W, b, X, Y, reg_lambda):
    powers = np.exp(X @ W + b)
    residual = powers / powers.sum(axis=1, keepdims=True) - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient")
def bias_left_out_of_the_logits(W, b, X, Y, reg_lambda):
    residual = right_softmax(X @ W) - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient")
def gradient_of_W_alone(W, b, X, Y, reg_lambda):
    return X.T @ residual_of(W, b, X, Y) / len(X) + reg_lambda * W


@mutant("gradient")
def bias_first(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return residual.mean(axis=0), X.T @ residual / len(X) + reg_lambda * W


@correct("gradient")
def by_matrices(W, b, X, Y, reg_lambda=0.0):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@correct("gradient")
def gradient_in_loops(W, b, X, Y, reg_lambda):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    for x, y in zip(X, Y, strict=True):
        p = right_softmax((x @ W + b)[None])[0]
        for k in range(len(b)):
            db[k] += p[k] - y[k]
            for j in range(len(x)):
                dW[j, k] += x[j] * (p[k] - y[k])
    return dW / len(X) + reg_lambda * W, db / len(X)


@correct("gradient")
def gradient_by_einsum(W, b, X, Y, reg_lambda):
    residual = np.exp(log_probabilities(W, b, X)) - Y
    return np.einsum("nj,nk->jk", X, residual) / len(X) + reg_lambda * W, residual.mean(0)


@correct("gradient")
def gradient_from_integer_labels(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    P[np.arange(len(X)), Y.argmax(axis=1)] -= 1
    P /= len(X)
    return [X.T @ P + reg_lambda * W, P.sum(axis=0)]


@correct("gradient")
def db_as_a_row(W, b, X, Y, reg_lambda):
    residual = right_softmax(X @ W + b.reshape(1, -1)) - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0, keepdims=True)


@correct("gradient")
def gradient_in_float32(W, b, X, Y, reg_lambda):
    W, b, X, Y = (array.astype(np.float32) for array in (W, b, X, Y))
    return by_matrices(W, b, X, Y, np.float32(reg_lambda))


@correct("gradient")
def gradient_in_float64(W, b, X, Y, reg_lambda):
    W, b, X, Y = (array.astype(np.float64) for array in (W, b, X, Y))
    return by_matrices(W, b, X, Y, reg_lambda)


@correct("gradient")
def mean_of_outer_products(W, b, X, Y, reg_lambda, average=True):
    residual = residual_of(W, b, X, Y)
    outer = [np.outer(x, r) for x, r in zip(X, residual, strict=True)]
    return np.mean(outer, axis=0) + reg_lambda * W, np.average(residual, axis=0)


# minibatches


def slices(order, batch_size):
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


@mutant("minibatches", "no reshuffling")
def order_of_the_file(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield np.arange(start, min(start + batch_size, num_examples))


@mutant("minibatches", "no reshuffling")
def permutation_thrown_away(num_examples, batch_size, rng):
    order = np.arange(num_examples)
    rng.permutation(order)
    yield from slices(order, batch_size)


@mutant("minibatches", "no reshuffling")
def ranges_in_a_list(num_examples, batch_size, rng):
    return slices(list(range(num_examples)), batch_size)


@mutant("minibatches", "same permutation every epoch")
def generator_made_inside(num_examples, batch_size, rng):
    rng = np.random.default_rng(0)
    yield from slices(rng.permutation(num_examples), batch_size)


@mutant("minibatches", "same permutation every epoch")
def global_seed_set_inside(num_examples, batch_size, rng):
    np.random.seed(42)  # noqa: NPY002 - as many courses teach it
    order = np.arange(num_examples)
    np.random.shuffle(order)  # noqa: NPY002
    yield from slices(order, batch_size)


@mutant("minibatches", "same permutation every epoch")
def permutation_kept(num_examples, batch_size, rng, known={}):  # noqa: B006 - that is the mistake
    if num_examples not in known:
        known[num_examples] = np.random.default_rng(1).permutation(num_examples)
    return slices(known[num_examples], batch_size)


@mutant("minibatches", "sampling with replacement")
def integers_for_each_minibatch(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield rng.integers(num_examples, size=min(batch_size, num_examples - start))


@mutant("minibatches", "sampling with replacement")
def choice_with_its_default(num_examples, batch_size, rng):
    for _ in range(num_examples // batch_size):
        yield rng.choice(num_examples, batch_size)


@mutant("minibatches", "sampling with replacement")
def an_epoch_of_integers(num_examples, batch_size, rng):
    yield from slices(rng.integers(0, num_examples, num_examples), batch_size)


@mutant("minibatches", "sampling with replacement")
def without_replacement_within_a_minibatch_only(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        size = min(batch_size, num_examples - start)
        yield rng.choice(num_examples, size, replace=False)


@mutant("minibatches", "sampling with replacement")
def a_new_permutation_for_each_minibatch(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield rng.permutation(num_examples)[start : start + batch_size]


@mutant("minibatches", "last minibatch dropped")
def whole_minibatches_only(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        yield order[i * batch_size : (i + 1) * batch_size]


@mutant("minibatches", "last minibatch dropped")
def rest_cut_off_and_reshaped(num_examples, batch_size, rng):
    whole = num_examples // batch_size * batch_size
    return rng.permutation(num_examples)[:whole].reshape(-1, batch_size)


@mutant("minibatches", "last minibatch dropped")
def stops_at_the_short_one(num_examples, batch_size, rng):
    for batch in slices(rng.permutation(num_examples), batch_size):
        if len(batch) < batch_size:
            break
        yield batch


@mutant("minibatches")
def positions_from_one(num_examples, batch_size, rng):
    yield from slices(rng.permutation(num_examples) + 1, batch_size)


@mutant("minibatches")
def floats_that_cannot_be_indices(num_examples, batch_size, rng):
    yield from slices(rng.permutation(num_examples).astype(float), batch_size)


@mutant("minibatches")
def the_whole_epoch_at_once(num_examples, batch_size, rng):
    yield rng.permutation(num_examples)


@mutant("minibatches")
def one_index_at_a_time(num_examples, batch_size, rng):
    yield from rng.permutation(num_examples)


@mutant("minibatches")
def overlapping_minibatches(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for start in range(0, num_examples, batch_size):
        yield order[start : start + batch_size + 1]


@mutant("minibatches")
def as_many_minibatches_as_their_size(num_examples, batch_size, rng):
    yield from np.array_split(rng.permutation(num_examples), batch_size)


@mutant("minibatches")
def an_empty_one_where_the_size_divides(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size + 1):
        yield order[i * batch_size : (i + 1) * batch_size]


@mutant("minibatches", "sampling with replacement")
def all_again_where_the_size_divides(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        yield order[i * batch_size : (i + 1) * batch_size]
    yield order[-(num_examples % batch_size) :]


@mutant("minibatches", "raised")
def no_minibatch_larger_than_the_data(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        last = (i + 1) * batch_size
        yield order[i * batch_size : last]
    if last < num_examples:
        yield order[last:]


@correct("minibatches")
class CalledLikeAFunction:
    """Not a function, but it is called like one, and gives minibatches."""

    def __init__(self, num_examples, batch_size, rng):
        self.order, self.batch_size = rng.permutation(num_examples), batch_size

    def __iter__(self):
        for start in range(0, len(self.order), self.batch_size):
            yield self.order[start : start + self.batch_size]


@correct("minibatches")
def one_array_refilled(num_examples, batch_size, rng):
    order, place = rng.permutation(num_examples), np.empty(batch_size, int)
    for start in range(0, num_examples, batch_size):
        batch = order[start : start + batch_size]
        place[: len(batch)] = batch
        yield place[: len(batch)]


@correct("minibatches")
def slices_of_a_permutation(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for start in range(0, num_examples, batch_size):
        yield order[start : start + batch_size]


@correct("minibatches")
def shuffled_in_place(num_examples, batch_size, rng, shuffle=True):
    order = np.arange(num_examples)
    if shuffle:
        rng.shuffle(order)
    for i in range(int(np.ceil(num_examples / batch_size))):
        yield order[i * batch_size : (i + 1) * batch_size]


@correct("minibatches")
def lists_of_python_integers(num_examples, batch_size, rng):
    return slices(rng.permutation(num_examples).tolist(), batch_size)


@correct("minibatches")
def backwards(num_examples, batch_size, rng):
    return reversed(slices(rng.permutation(num_examples), batch_size))


@correct("minibatches")
def short_one_first(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    first = num_examples % batch_size
    if first:
        yield order[:first]
    for start in range(first, num_examples, batch_size):
        yield order[start : start + batch_size]


@correct("minibatches")
def sorted_by_length(num_examples, batch_size, rng):
    yield from sorted(slices(rng.permutation(num_examples), batch_size), key=len)


@correct("minibatches")
def sorted_within(num_examples, batch_size, rng):
    yield from map(sorted, slices(rng.permutation(num_examples), batch_size))


@correct("minibatches")
def split_at_multiples(num_examples, batch_size, rng):
    order = rng.choice(num_examples, num_examples, replace=False)
    return np.split(order, range(batch_size, num_examples, batch_size))


@correct("minibatches")
def order_of_random_keys(num_examples, batch_size, rng):
    order = np.argsort(rng.random(num_examples)).astype(np.int32)
    return tuple(slices(order, batch_size))


@correct("minibatches")
def drawn_one_after_the_other(num_examples, batch_size, rng):
    left = list(range(num_examples))
    while left:
        size = min(batch_size, len(left))
        yield [left.pop(rng.integers(len(left))) for _ in range(size)]


# sgd_step


def step_with(gradient):
    """An update that would be right if `gradient` were."""

    def my_step(W, b, X, Y, learning_rate, reg_lambda):
        dW, db = gradient(W, b, X, Y, reg_lambda)
        return W - learning_rate * dW, b - learning_rate * db

    return my_step


# What a step shows of a wrong gradient can have another explanation. Where its shape does not fit,
# NumPy may say so before the check can; and what is zero in db leaves no trace of its shape in b.
ALSO_FITS = {
    everything_negated: ["adding instead of subtracting"],
    wrong_sign_of_the_gradient_of_b_alone: ["adding instead of subtracting"],
    residual_times_X: ["raised"],
    a_row_for_each_class: ["raised"],
    pixels_minus_y: ["raised"],
    mean_along_the_other_axis: ["raised", "gradient of b missing"],
    one_number_for_all_of_b: ["gradient of b missing"],
}

for answer in [answer for answer in MUTANTS if answer.check == "gradient" and answer.mistakes]:
    gradient = answer.make()
    my_step = step_with(gradient)
    my_step.__name__ = f"step_with_{answer.name}"
    mutant("sgd_step", *answer.mistakes, *ALSO_FITS.get(gradient, []))(my_step)


@mutant("sgd_step", "updated in place")
def minus_equals(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W -= learning_rate * dW
    b -= learning_rate * db
    return W, b


@mutant("sgd_step", "updated in place")
def minus_equals_for_b_alone(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    b -= learning_rate * db
    return W - learning_rate * dW, b


@mutant("sgd_step", "updated in place")
def assigned_to_slices(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W[:] = W - learning_rate * dW
    b[:] = b - learning_rate * db
    return W.copy(), b.copy()


@mutant("sgd_step", "updated in place", "nothing returned")
def minus_equals_and_no_return(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W -= learning_rate * dW
    b -= learning_rate * db


@mutant("sgd_step", "adding instead of subtracting")
def uphill(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W + learning_rate * dW, b + learning_rate * db


@mutant("sgd_step", "adding instead of subtracting")
def uphill_for_b_alone(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b + learning_rate * db


@mutant("sgd_step", "learning rate scaled by B")
def linear_scaling_unasked(W, b, X, Y, learning_rate, reg_lambda):
    learning_rate = learning_rate * len(X)
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


@mutant("sgd_step", "learning rate scaled by B")
def linear_scaling_in_the_product(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - X.shape[0] * learning_rate * dW, b - X.shape[0] * learning_rate * db


@mutant("sgd_step")
def gradient_of_b_after_the_step_of_W(W, b, X, Y, learning_rate, reg_lambda):
    W = W - learning_rate * by_matrices(W, b, X, Y, reg_lambda)[0]
    return W, b - learning_rate * by_matrices(W, b, X, Y, reg_lambda)[1]


@mutant("sgd_step")
def weight_decay_without_learning_rate(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient_without_penalty(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW - reg_lambda * W, b - learning_rate * db


@mutant("sgd_step")
def learning_rate_forgotten(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - dW, b - db


@mutant("sgd_step")
def gradient_in_place_of_the_parameters(W, b, X, Y, learning_rate, reg_lambda):
    return by_matrices(W, b, X, Y, reg_lambda)


@mutant("sgd_step")
def returned_as_it_came(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W_new, b_new = W - learning_rate * dW, b - learning_rate * db  # noqa: F841 - the mistake
    return W, b


@correct("sgd_step")
def two_new_arrays(W, b, X, Y, learning_rate, reg_lambda=0.0, momentum=0.0):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


@correct("sgd_step")
def minus_equals_on_copies(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W, b = W.copy(), b.copy()
    W -= learning_rate * dW
    b -= learning_rate * db
    return W, b


@correct("sgd_step")
def weight_decay_first(W, b, X, Y, learning_rate, reg_lambda):
    residual = residual_of(W, b, X, Y) * (learning_rate / len(X))
    return W * (1 - learning_rate * reg_lambda) - X.T @ residual, b - residual.sum(axis=0)


@correct("sgd_step")
def b_as_a_row(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = db_as_a_row(W, b, X, Y, reg_lambda)
    return [W - learning_rate * dW, b - learning_rate * db]


@correct("sgd_step")
def step_in_float32(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient_in_float32(W, b, X, Y, reg_lambda)
    W, b = W - learning_rate * dW, b - learning_rate * db
    return W.astype(np.float32), b.astype(np.float32)


@correct("sgd_step")
def step_in_float64(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient_in_float64(W, b, X, Y, reg_lambda)
    return W.astype(float) - learning_rate * dW, b.astype(float) - learning_rate * db


@mutant("sgd_step", "maximum not subtracted")
def step_with_a_softmax_of_its_own(W, b, X, Y, learning_rate, reg_lambda):
    powers = np.exp(X @ W + b)
    residual = (powers / powers.sum(axis=1, keepdims=True) - Y) / len(X)
    dW = X.T @ residual + reg_lambda * W
    return W - learning_rate * dW, b - learning_rate * residual.sum(axis=0)


@mutant("sgd_step", "updated in place")
def arguments_changed_in_single_precision(W, b, X, Y, learning_rate, reg_lambda):
    W, b = np.asarray(W, np.float32), np.asarray(b, np.float32)
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    W -= learning_rate * dW
    b -= learning_rate * db
    return W, b


@correct("sgd_step")
def step_in_loops(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient_in_loops(W, b, X, Y, reg_lambda)
    W_new, b_new = np.empty_like(W), np.empty_like(b)
    for k in range(len(b)):
        b_new[k] = b[k] - learning_rate * db[k]
        for j in range(len(W)):
            W_new[j, k] = W[j, k] - learning_rate * dW[j, k]
    return W_new, b_new


# best_rates


def lowest_mean(rows, column):
    means = rows.groupby(["batch_size", "learning_rate"])[column].mean()
    return means.unstack().idxmin(axis=1)


@mutant("best_rates", "chosen on the test set")
def lowest_test_loss(rows):
    return lowest_mean(rows, "test_loss")


@mutant("best_rates", "chosen on the test set")
def highest_test_accuracy(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["test_accuracy"].mean()
    return means.unstack().idxmax(axis=1).to_dict()


@mutant("best_rates", "chosen on the test set")
def run_with_the_highest_test_accuracy(rows):
    best = {}
    for B, group in rows.groupby("batch_size"):
        best[B] = group.sort_values("test_accuracy").iloc[-1]["learning_rate"]
    return best


@mutant("best_rates", "chosen on the test set")
def run_with_the_lowest_test_loss(rows):
    best = rows.loc[rows.groupby("batch_size")["test_loss"].idxmin()]
    return dict(zip(best["batch_size"], best["learning_rate"], strict=True))


@mutant("best_rates")
def highest_validation_loss(rows):
    finite = rows[np.isfinite(rows["validation_loss"])]
    means = finite.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    return means.unstack().idxmax(axis=1)


@mutant("best_rates")
def luckiest_run(rows):
    best = rows.loc[rows.groupby("batch_size")["validation_loss"].idxmin()]
    return best.set_index("batch_size")["learning_rate"]


@mutant("best_rates", "one seed decides")
def last_seed_overwrites_the_others(rows):
    best = {}
    for _, row in rows.iterrows():
        best.setdefault(row["batch_size"], {})[row["learning_rate"]] = row["validation_loss"]
    return {B: min(losses, key=losses.get) for B, losses in best.items()}


@mutant("best_rates")
def median_of_the_seeds(rows):
    medians = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].median()
    return medians.unstack().idxmin(axis=1)


@mutant("best_rates")
def sum_over_the_seeds(rows):
    sums = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].sum()
    return sums.unstack().idxmin(axis=1)


@mutant("best_rates")
def worst_seed(rows):
    largest = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].max()
    return largest.unstack().idxmin(axis=1)


@mutant("best_rates")
def smaller_than_one(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    best = {}
    for B, losses in means.groupby("batch_size"):
        smallest, best[B] = 1, 0.0
        for (_, rate), loss in losses.items():
            if loss < smallest:
                smallest, best[B] = loss, rate
    return best


@correct("best_rates")
def in_single_precision(rows):
    return lowest_mean(rows, "validation_loss").astype(np.float32)


@mutant("best_rates")
def first_seed_only(rows):
    return lowest_mean(rows[rows["seed"] == rows["seed"].min()], "validation_loss")


@mutant("best_rates")
def diverged_runs_forgiven(rows):
    return lowest_mean(rows[np.isfinite(rows["validation_loss"])], "validation_loss")


@mutant("best_rates")
def one_rate_for_all(rows):
    best = rows.groupby("learning_rate")["validation_loss"].mean().idxmin()
    return dict.fromkeys(rows["batch_size"].unique(), best)


@mutant("best_rates")
def lowest_losses_in_place_of_rates(rows):
    means = rows.groupby(["batch_size", "learning_rate"])["validation_loss"].mean()
    return means.unstack().min(axis=1)


@mutant("best_rates")
def one_batch_size_left_out(rows):
    return lowest_mean(rows, "validation_loss").iloc[1:]


@correct("best_rates")
def by_groups(rows):
    return lowest_mean(rows, "validation_loss")


@correct("best_rates")
def by_loops(rows, column="validation_loss"):
    best = {}
    for B in sorted(set(rows["batch_size"])):
        smallest = np.inf
        for rate in rows["learning_rate"].unique():
            of_rate = (rows["batch_size"] == B) & (rows["learning_rate"] == rate)
            mean = np.mean(rows[of_rate][column])
            if mean < smallest:
                smallest, best[int(B)] = mean, float(rate)
    return best


@correct("best_rates")
def by_a_pivot_table(rows):
    table = rows.pivot_table("validation_loss", "learning_rate", "batch_size", aggfunc="mean")
    return table.idxmin().to_dict()


@correct("best_rates")
def by_sorting_means(rows):
    keys = ["batch_size", "learning_rate"]
    means = rows.groupby(keys, as_index=False)["validation_loss"].mean()
    best = means.sort_values("validation_loss").drop_duplicates("batch_size")
    return best.set_index("batch_size")["learning_rate"]


@correct("best_rates")
def by_a_new_column_of_rows(rows):
    keys = ["batch_size", "learning_rate"]
    rows["mean"] = rows.groupby(keys)["validation_loss"].transform("mean")
    best = rows.loc[rows.groupby("batch_size")["mean"].idxmin()]
    return dict(zip(best["batch_size"], best["learning_rate"], strict=True))


# training_run


def start_of(data):
    features, classes = data.X_train.shape[1], data.Y_train.shape[1]
    return np.zeros((features, classes), np.float32), np.zeros(classes, np.float32)


def row_of(iteration, train_loss, test_accuracy, seconds):
    return {
        "iteration": iteration,
        "train_loss": train_loss,
        "test_accuracy": test_accuracy,
        "seconds": seconds,
    }


def run_on(X, Y, data, batches, step, loss, accuracy, checkpoints, clock=time.perf_counter):
    """The right loop, over minibatches of X and Y."""
    W, b = start_of(data)
    rows, seconds = [], 0.0
    for iteration, batch in enumerate(batches, start=1):
        X_batch, Y_batch = X[batch], Y[batch]
        started = clock()
        W, b = step(W, b, X_batch, Y_batch)
        seconds += clock() - started
        if iteration in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            test_accuracy = accuracy(W, b, data.X_test, data.Y_test)
            rows.append(row_of(iteration, train_loss, test_accuracy, seconds))
    return rows


@mutant("training_run", "X and Y shuffled differently")
def two_permutations(data, batches, step, loss, accuracy, checkpoints):
    rng = np.random.default_rng(0)
    X, Y = rng.permutation(data.X_train), rng.permutation(data.Y_train)
    return run_on(X, Y, data, batches, step, loss, accuracy, checkpoints)


@mutant("training_run", "X and Y shuffled differently")
def images_shuffled_and_labels_forgotten(data, batches, step, loss, accuracy, checkpoints):
    X = data.X_train.copy()
    np.random.default_rng(0).shuffle(X)
    return run_on(X, data.Y_train, data, batches, step, loss, accuracy, checkpoints)


@mutant("training_run", "X and Y shuffled differently")
def minibatch_shuffled_twice(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rng, rows, seconds = np.random.default_rng(0), [], 0.0
    for t, batch in enumerate(batches, start=1):
        X_batch = data.X_train[rng.permutation(batch)]
        Y_batch = data.Y_train[rng.permutation(batch)]
        started = time.perf_counter()
        W, b = step(W, b, X_batch, Y_batch)
        seconds += time.perf_counter() - started
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
    return rows


@mutant("training_run", "X and Y shuffled differently")
def labels_in_the_order_of_the_file(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds, first = [], 0.0, 0
    for t, batch in enumerate(batches, start=1):
        X_batch = data.X_train[batch]
        Y_batch = data.Y_train[np.arange(first, first + len(batch)) % len(data.Y_train)]
        first += len(batch)
        started = time.perf_counter()
        W, b = step(W, b, X_batch, Y_batch)
        seconds += time.perf_counter() - started
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
    return rows


@mutant("training_run", "loss evaluated on the test set")
def test_set_for_both(data, batches, step, loss, accuracy, checkpoints):
    X_train, Y_train, X_test, Y_test = data
    W, b = start_of(data)
    rows, seconds = [], 0.0
    for t, batch in enumerate(batches, start=1):
        started = time.perf_counter()
        W, b = step(W, b, X_train[batch], Y_train[batch])
        seconds += time.perf_counter() - started
        if t in checkpoints:
            train_loss, test_accuracy = loss(W, b, X_test, Y_test), accuracy(W, b, X_test, Y_test)
            rows.append(row_of(t, train_loss, test_accuracy, seconds))
    return pd.DataFrame(rows)


@mutant("training_run", "loss evaluated on the test set")
def test_set_through_one_helper(data, batches, step, loss, accuracy, checkpoints):
    def evaluated(W, b, X, Y, judge):
        return float(judge(W, b, data.X_test, data.Y_test))

    return run_on(
        data.X_train,
        data.Y_train,
        data,
        batches,
        step,
        lambda *arguments: evaluated(*arguments, loss),
        lambda *arguments: evaluated(*arguments, accuracy),
        checkpoints,
    )


@mutant("training_run", "evaluation inside the clock")
def clock_started_once(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, started = [], time.time()
    for t, batch in enumerate(batches, start=1):
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            test_accuracy = accuracy(W, b, data.X_test, data.Y_test)
            rows.append(row_of(t, train_loss, test_accuracy, time.time() - started))
    return rows


@mutant("training_run", "evaluation inside the clock")
def clock_read_before_but_never_stopped(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, started = [], time.perf_counter()
    for t, batch in enumerate(batches, start=1):
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            seconds = time.perf_counter() - started
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
    return rows


@mutant("training_run", "evaluation inside the clock")
def clock_around_the_whole_iteration(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0
    for t, batch in enumerate(batches, start=1):
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            rows.append(
                row_of(
                    t,
                    loss(W, b, data.X_train, data.Y_train),
                    accuracy(W, b, data.X_test, data.Y_test),
                    seconds + time.perf_counter() - started,
                )
            )
        seconds += time.perf_counter() - started
    return pd.DataFrame(rows)


@mutant("training_run", "evaluation inside the clock")
def loss_inside_and_accuracy_outside(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0
    for t, batch in enumerate(batches, start=1):
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
        seconds += time.perf_counter() - started
        if t in checkpoints:
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
    return rows


@mutant("training_run", "evaluation inside the clock")
def accuracy_inside_and_loss_outside(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0
    for t, batch in enumerate(batches, start=1):
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            test_accuracy = accuracy(W, b, data.X_test, data.Y_test)
        seconds += time.perf_counter() - started
        if t in checkpoints:
            rows.append(row_of(t, loss(W, b, data.X_train, data.Y_train), test_accuracy, seconds))
    return rows


@mutant("training_run", "start minus end")
def end_taken_from_start(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0
    for t, batch in enumerate(batches, start=1):
        start = time.time()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        end = time.time()
        seconds += start - end
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
    return rows


@mutant("training_run", "start minus end", "evaluation inside the clock")
def now_taken_from_the_very_start(data, batches, step, loss, accuracy, checkpoints):
    rows = clock_started_once(data, batches, step, loss, accuracy, checkpoints)
    return [row | {"seconds": -row["seconds"]} for row in rows]


@mutant("training_run", "not in seconds")
def nanoseconds(data, batches, step, loss, accuracy, checkpoints):
    clock = time.perf_counter_ns
    return run_on(
        data.X_train, data.Y_train, data, batches, step, loss, accuracy, checkpoints, clock
    )


@mutant("training_run", "not the training images")
def trained_on_the_test_set(data, batches, step, loss, accuracy, checkpoints):
    batches = [batch % len(data.X_test) for batch in batches]
    return run_on(data.X_test, data.Y_test, data, batches, step, loss, accuracy, checkpoints)


@mutant("training_run", "X and Y shuffled differently")
def labels_not_picked(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    for batch in batches:
        W, b = step(W, b, data.X_train[batch], data.Y_train)
    return []


@mutant("training_run")
def a_row_after_every_update(data, batches, step, loss, accuracy, checkpoints):
    every = range(1, 1000)
    return run_on(data.X_train, data.Y_train, data, batches, step, loss, accuracy, every)


@correct("training_run")
def minibatches_in_double_precision(data, batches, step, loss, accuracy, checkpoints):
    X, Y = data.X_train.astype(float), data.Y_train.astype(float)
    return run_on(X, Y, data, batches, step, loss, accuracy, checkpoints)


@correct("training_run")
def evaluations_with_names(data, batches, step, loss, accuracy, checkpoints):
    def named(evaluate):
        return lambda W, b, X, Y: evaluate(W, b, X=X, Y=Y)

    return run_on(
        data.X_train, data.Y_train, data, batches, step, named(loss), named(accuracy), checkpoints
    )


@mutant("training_run")
def iterations_from_zero(data, batches, step, loss, accuracy, checkpoints):
    rows = ordinary_loop(data, batches, step, loss, accuracy, {t + 1 for t in checkpoints})
    return [row | {"iteration": row["iteration"] - 1} for row in rows]


@mutant("training_run")
def loss_of_the_minibatch(data, batches, step, loss, accuracy, checkpoints):
    seen = []

    def remembering_step(W, b, X_batch, Y_batch):
        seen[:] = X_batch, Y_batch
        return step(W, b, X_batch, Y_batch)

    def last_loss(W, b, X, Y):
        return loss(W, b, *seen)

    return ordinary_loop(data, batches, remembering_step, last_loss, accuracy, checkpoints)


@mutant("training_run")
def accuracy_on_the_training_set(data, batches, step, loss, accuracy, checkpoints):
    def wrong_accuracy(W, b, X, Y):
        return accuracy(W, b, data.X_train, data.Y_train)

    return ordinary_loop(data, batches, step, loss, wrong_accuracy, checkpoints)


@mutant("training_run")
def parameters_never_kept(data, batches, step, loss, accuracy, checkpoints):
    def idle_step(W, b, X_batch, Y_batch):
        step(W, b, X_batch, Y_batch)
        return W, b

    return ordinary_loop(data, batches, idle_step, loss, accuracy, checkpoints)


@mutant("training_run")
def last_checkpoint_only(data, batches, step, loss, accuracy, checkpoints):
    return ordinary_loop(data, batches, step, loss, accuracy, checkpoints)[-1:]


@mutant("training_run")
def seconds_left_out(data, batches, step, loss, accuracy, checkpoints):
    rows = ordinary_loop(data, batches, step, loss, accuracy, checkpoints)
    return pd.DataFrame(rows).drop(columns="seconds")


@correct("training_run")
def ordinary_loop(data, batches, step, loss, accuracy, checkpoints):
    return run_on(data.X_train, data.Y_train, data, batches, step, loss, accuracy, checkpoints)


@correct("training_run")
def as_a_data_frame(data, batches, step, loss, accuracy, checkpoints, verbose=False):
    rows = ordinary_loop(data, batches, step, loss, accuracy, checkpoints)
    return pd.DataFrame(rows)[["seconds", "train_loss", "iteration", "test_accuracy"]]


@correct("training_run")
def with_time_time(data, batches, step, loss, accuracy, checkpoints):
    X, Y = data.X_train, data.Y_train
    return run_on(X, Y, data, batches, step, loss, accuracy, checkpoints, time.time)


@correct("training_run")
def with_process_time(data, batches, step, loss, accuracy, checkpoints):
    X, Y = data.X_train, data.Y_train
    return run_on(X, Y, data, batches, step, loss, accuracy, checkpoints, time.process_time)


@correct("training_run")
def copying_the_minibatch_inside_the_clock(data, batches, step, loss, accuracy, checkpoints):
    X_train, Y_train, X_test, Y_test = data
    W, b = start_of(data)
    rows, nanoseconds = [], 0
    for t, batch in enumerate(batches, start=1):
        started = time.perf_counter_ns()
        W, b = step(W, b, X_train[batch], Y_train[batch])
        nanoseconds += time.perf_counter_ns() - started
        if t in checkpoints:
            train_loss, test_accuracy = loss(W, b, X_train, Y_train), accuracy(W, b, X_test, Y_test)
            rows.append(row_of(t, train_loss, test_accuracy, nanoseconds / 1e9))
    return rows


@correct("training_run")
def stretches_between_checkpoints(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds, started = [], 0.0, time.perf_counter()
    for t, batch in enumerate(batches, start=1):
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            seconds += time.perf_counter() - started
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
            started = time.perf_counter()
    return rows


@correct("training_run")
def evaluation_taken_off_the_whole(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, evaluating, started = [], 0.0, time.perf_counter()
    for t, batch in enumerate(batches, start=1):
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        if t in checkpoints:
            now = time.perf_counter()
            train_loss = loss(W, b, data.X_train, data.Y_train)
            test_accuracy = accuracy(W, b, data.X_test, data.Y_test)
            rows.append(row_of(t, train_loss, test_accuracy, now - started - evaluating))
            evaluating += time.perf_counter() - now
    return rows


@correct("training_run")
def stops_after_the_last_checkpoint(data, batches, step, loss, accuracy, checkpoints):
    X, Y = data.X_train, data.Y_train
    batches = [batch for t, batch in enumerate(batches, start=1) if t <= max(checkpoints)]
    return run_on(X, Y, data, batches, step, loss, accuracy, checkpoints)


# effective_rate: a number in place of a function


def _number(value, *mistakes):
    return Answer("effective_rate", str(value), mistakes, lambda: value)


MUTANTS += [
    _number(0.005, "B left out"),
    _number(np.float32(0.005), "B left out"),
    _number(5e-6, "divided by B"),
    _number(0.005 / 1000, "divided by B"),
    _number(1),
    _number(0),
    _number(-5),
    _number(float("nan")),
    _number("five"),
]
CORRECT += [
    _number(5),
    _number(0.005 * 1000),
    _number(np.float64(5)),
    _number(np.float32(0.005) * 1000),
]


# tensorflow_step: functions of `tf` that make the student's function


def cross_entropy_of(tf, W, b, X, Y):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=X @ W + b))


def penalty_of(tf, W, reg_lambda):
    return reg_lambda / 2 * tf.reduce_sum(W**2)


def descend(W, b, dW, db, learning_rate):
    W.assign_sub(learning_rate * dW)
    b.assign_sub(learning_rate * db)


def tensorflow_step_with(
    tf, cross_entropy_of=cross_entropy_of, penalty_of=penalty_of, update=descend
):
    """A step that would be right if the three functions were."""

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        update(W, b, *tape.gradient(objective, [W, b]), learning_rate)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "softmax applied twice")
def probabilities_as_logits(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "softmax applied twice")
def from_logits_given_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(tf.matmul(X, W) + b)
        return tf.keras.losses.CategoricalCrossentropy(from_logits=True)(Y, P)

    # Not compiled: in a graph Keras finds the softmax and takes its logits instead.
    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "softmax applied twice")
def sparse_cross_entropy_of_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        labels = tf.argmax(Y, axis=1)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "reduction doubled")
def mean_divided_by_B(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, W, b, X, Y) / len(X)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "reduction doubled")
def keras_mean_divided_by_B(tf):
    def cross_entropy(tf, W, b, X, Y):
        losses = tf.keras.losses.CategoricalCrossentropy(from_logits=True)(Y, X @ W + b)
        return tf.reduce_sum(losses) / tf.cast(tf.shape(X)[0], tf.float32)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@mutant("tensorflow_step", "reduction doubled")
def learning_rate_divided_by_B(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        B = X_batch.shape[0]
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
        dW, db = tape.gradient(cross_entropy, [W, b])
        W.assign_sub(learning_rate * (dW / B + reg_lambda * W))
        b.assign_sub(learning_rate * db / B)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "times B")
def reduce_sum(tf):
    def cross_entropy(tf, W, b, X, Y):
        return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(Y, X @ W + b))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "times B")
def keras_sum(tf):
    def cross_entropy(tf, W, b, X, Y):
        cce = tf.keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
        return cce(Y, X @ W + b)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "times B")
def gradient_of_all_losses_and_mean_returned(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(Y_batch, X_batch @ W + b)
        dW, db = tape.gradient(losses, [W, b])  # of the sum, as gradients of a vector are
        W.assign_sub(learning_rate * (dW + reg_lambda * W))
        b.assign_sub(learning_rate * db)
        return tf.reduce_mean(losses)

    return my_step


@mutant("tensorflow_step", "variables recreated")
def new_variables_after_the_step(tf):
    def update(W, b, dW, db, learning_rate):
        W = tf.Variable(W - learning_rate * dW)
        b = tf.Variable(b - learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "variables recreated")
def new_variables_before_the_step(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        W, b = tf.Variable(W), tf.Variable(b)
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)

    return my_step


@mutant("tensorflow_step", "variables recreated", "variables not updated")
def names_bound_to_new_tensors(tf):
    def update(W, b, dW, db, learning_rate):
        W = W - learning_rate * dW
        b = b - learning_rate * db

    return tf.function(tensorflow_step_with(tf, update=update))


@mutant("tensorflow_step", "variables recreated")
def zeros_at_every_step(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        W, b = tf.Variable(tf.zeros(W.shape)), tf.Variable(tf.zeros(b.shape))
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable")
def gradient_of_b_for_both(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape(persistent=True) as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        dW = tape.gradient(objective, b)
        db = tape.gradient(objective, b)
        W.assign(W - learning_rate * dW)  # b's gradient fits every row of W
        b.assign(b - learning_rate * db)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable")
def gradient_of_W_summed_for_b(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        dW = tape.gradient(objective, W)
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * tf.reduce_sum(dW, axis=0))
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable", "raised")
def gradients_swapped(tf):
    def update(W, b, db, dW, learning_rate):
        W.assign(W - learning_rate * dW)
        b.assign(b - learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "λ missing")
def gradient_of_the_cross_entropy_alone(tf):
    return tensorflow_step_with(tf, penalty_of=lambda tf, W, reg_lambda: 0)


@mutant("tensorflow_step", "λ missing")
def penalty_outside_the_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
        objective = cross_entropy + penalty_of(tf, W, reg_lambda)  # noqa: F841 - the mistake
        dW, db = tape.gradient(cross_entropy, [W, b])
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * db)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "λ on b")
def both_variables_penalised(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            penalty = sum(tf.nn.l2_loss(variable) for variable in (W, b))
            objective = cross_entropy + reg_lambda * penalty
        for variable, gradient in zip([W, b], tape.gradient(objective, [W, b]), strict=True):
            variable.assign_sub(learning_rate * gradient)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "log of zero")
def cross_entropy_of_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        return tf.reduce_mean(tf.keras.losses.categorical_crossentropy(Y, P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "log of zero")
def something_small_in_the_logarithm(tf):
    def cross_entropy(tf, W, b, X, Y):
        log_p = tf.math.log(tf.nn.softmax(X @ W + b) + 1e-7)
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "labels and logits swapped")
def logits_first(tf):
    def cross_entropy(tf, W, b, X, Y):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(X @ W + b, Y))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "learning rate left out")
def step_of_length_one(tf):
    def update(W, b, dW, db, learning_rate):
        descend(W, b, dW, db, 1.0)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "gradient of b missing")
def name_b_bound_to_a_new_tensor(tf):
    def update(W, b, dW, db, learning_rate):
        W.assign_sub(learning_rate * dW)
        b = b - learning_rate * db

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "adding instead of subtracting")
def assign_add(tf):
    def update(W, b, dW, db, learning_rate):
        W.assign_add(learning_rate * dW)
        b.assign_add(learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "adding instead of subtracting")
def optimizer_given_negated_gradients(tf):
    def update(W, b, dW, db, learning_rate):
        tf.keras.optimizers.SGD(learning_rate).apply_gradients([(-dW, W), (-db, b)])

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "raised")
def product_that_does_not_fit(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, tf.transpose(W), b, tf.transpose(X), Y)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "raised")
def reshape_that_does_not_fit_in_a_graph(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, W, b, tf.reshape(X, (-1, 784)), Y)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@mutant("tensorflow_step")
def objective_returned_with_its_penalty(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        penalty = penalty_of(tf, W, reg_lambda)
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda) + penalty

    return my_step


@mutant("tensorflow_step")
def loss_after_the_update(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)
        return cross_entropy_of(tf, W, b, X_batch, Y_batch)

    return my_step


@mutant("tensorflow_step")
def b_never_updated(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        W.assign_sub(learning_rate * tape.gradient(objective, W))
        return cross_entropy

    return my_step


@correct("tensorflow_step")
def plain_function(tf):
    return tensorflow_step_with(tf)


@correct("tensorflow_step")
def compiled_to_a_graph(tf):
    return tf.function(tensorflow_step_with(tf), reduce_retracing=True)


@correct("tensorflow_step")
def keras_optimizer_made_outside(tf):
    optimizer = tf.keras.optimizers.SGD(0.05)

    def update(W, b, dW, db, learning_rate):
        optimizer.learning_rate = learning_rate
        optimizer.apply([dW, db], [W, b])

    return tensorflow_step_with(tf, update=update)


@correct("tensorflow_step")
def keras_optimizer_made_inside(tf):
    def update(W, b, dW, db, learning_rate):
        tf.keras.optimizers.SGD(learning_rate).apply_gradients([(dW, W), (db, b)])

    return tensorflow_step_with(tf, update=update)


@correct("tensorflow_step")
def persistent_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda, verbose=False):
        with tf.GradientTape(persistent=True) as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + reg_lambda * tf.nn.l2_loss(W)
        dW, db = tape.gradient(objective, W), tape.gradient(objective, b)
        del tape
        W.assign(W - learning_rate * dW)
        b.assign(b - learning_rate * db)
        return cross_entropy.numpy()

    return my_step


@correct("tensorflow_step")
def sparse_cross_entropy(tf):
    def cross_entropy(tf, W, b, X, Y):
        labels = tf.argmax(Y, axis=1)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, X @ W + b))

    return tensorflow_step_with(tf, cross_entropy)


@correct("tensorflow_step")
def keras_cross_entropy_from_logits(tf):
    keras_loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True)

    def cross_entropy(tf, W, b, X, Y):
        return keras_loss(Y, tf.matmul(X, W) + b)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@correct("tensorflow_step")
def log_softmax_by_hand(tf):
    def cross_entropy(tf, W, b, X, Y):
        logits = X @ W + b
        log_p = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy)


@correct("tensorflow_step")
def gradient_without_a_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        log_p = tf.nn.log_softmax(X_batch @ W + b)
        residual = (tf.exp(log_p) - Y_batch) / X_batch.shape[0]
        W.assign_sub(learning_rate * (tf.transpose(X_batch) @ residual + reg_lambda * W))
        b.assign_sub(learning_rate * tf.reduce_sum(residual, axis=0))
        return -tf.reduce_mean(tf.reduce_sum(Y_batch * log_p, axis=1))

    return my_step

"""Answers to `checks.gradient`."""

import numpy as np

from answers.answer import correct, mutant
from answers.loss import log_probabilities
from answers.softmax import right_softmax


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

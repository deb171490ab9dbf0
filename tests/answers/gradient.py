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


@mutant("gradient", "2λ in place of λ")
def the_half_of_the_penalty_forgotten(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + 2 * reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "λ divided by B")
def everything_divided_by_B(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return (X.T @ residual + reg_lambda * W) / len(X), residual.mean(axis=0)


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


@mutant("gradient", "gradient of b not averaged")
def the_residual_itself_for_b(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X) + reg_lambda * W, residual


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


@mutant("gradient", "gradient of b as a column")
def gradient_of_b_as_a_column(W, b, X, Y, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return dW, db[:, None]


@mutant("gradient", "maximum not subtracted")
def softmax_that_overflows(W, b, X, Y, reg_lambda):
    powers = np.exp(X @ W + b)
    residual = powers / powers.sum(axis=1, keepdims=True) - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "b left out")
def bias_left_out_of_the_logits(W, b, X, Y, reg_lambda):
    residual = right_softmax(X @ W) - Y
    return X.T @ residual / len(X) + reg_lambda * W, residual.mean(axis=0)


@mutant("gradient", "gradient of b missing")
def gradient_of_W_alone(W, b, X, Y, reg_lambda):
    return X.T @ residual_of(W, b, X, Y) / len(X) + reg_lambda * W


@mutant("gradient", "dW and db swapped")
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


def gradient_with(residual, penalty=1.0):
    """A gradient that would be right if the residual were."""

    def my_gradient(W, b, X, Y, reg_lambda):
        R = residual(X @ W + b, Y)
        return X.T @ R / len(X) + penalty * reg_lambda * W, R.mean(axis=0)

    return my_gradient


def _gradient(name, *mistakes, **options):
    my_gradient = gradient_with(**options)
    my_gradient.__name__ = name
    mutant("gradient", *mistakes)(my_gradient)


def _shares(logits, maximum):
    powers = np.exp(logits - maximum)
    return powers / powers.sum(axis=1, keepdims=True)


def _by_the_chain_rule(z, Y, guard=0.0):
    P = right_softmax(z)
    slope = -Y / (P + guard)
    return P * (slope - (P * slope).sum(axis=1, keepdims=True))


_gradient("one_maximum", "one maximum for all rows", residual=lambda z, Y: _shares(z, z.max()) - Y)
_gradient("chain_rule_through_p", "p rounded to 0", residual=_by_the_chain_rule)
_gradient(
    "chain_rule_with_a_guard",
    "p rounded to 0",
    residual=lambda z, Y: _by_the_chain_rule(z, Y, 1e-12),
)
_gradient(
    "derivative_of_the_softmax_lost",
    "derivative of another loss",
    residual=lambda z, Y: -Y / right_softmax(z),
)
_gradient(
    "derivative_of_a_sigmoid_too_much",
    "derivative of another loss",
    residual=lambda z, Y: (right_softmax(z) - Y) * right_softmax(z) * (1 - right_softmax(z)),
)
_gradient(
    "columns_normalized",
    "normalized over the wrong axis",
    residual=lambda z, Y: np.exp(z) / np.exp(z).sum(axis=0) - Y,
)
_gradient(
    "labels_minus_probabilities_and_no_penalty",
    "wrong sign; λ missing",
    residual=lambda z, Y: Y - right_softmax(z),
    penalty=0,
)
_gradient(
    "softmax_that_overflows_and_half_a_penalty",
    "λ/2 in place of λ",
    residual=lambda z, Y: _shares(z, 0) - Y,
    penalty=0.5,
)


@mutant("gradient", "times B; λ missing")
def summed_without_penalty(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual, residual.sum(axis=0)


@mutant("gradient", "times B; λ divided by B")
def summed_and_penalty_divided(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual + reg_lambda * W / len(X), residual.sum(axis=0)


@mutant("gradient", "λ missing; b left out")
def without_penalty_and_bias(W, b, X, Y, reg_lambda):
    residual = right_softmax(X @ W) - Y
    return X.T @ residual / len(X), residual.mean(axis=0)


@mutant("gradient", "λ missing; gradient of b averaged over classes")
def without_penalty_and_along_the_other_axis(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y)
    return X.T @ residual / len(X), residual.mean(axis=1)


@mutant("gradient", "transposed; λ missing")
def transposed_without_penalty(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / len(X)
    return residual.T @ X, residual.sum(axis=0)


@mutant("gradient", "dictionary in place of a tuple")
def dictionary_by_name(W, b, X, Y, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return {"dW": dW, "db": db}


@mutant("gradient", "penalty wrong")
def sign_of_the_weights(W, b, X, Y, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, 0)
    return dW + reg_lambda * np.sign(W), db


@mutant("gradient", "averaged over classes too")
def divided_by_the_size(W, b, X, Y, reg_lambda):
    residual = residual_of(W, b, X, Y) / Y.size
    return X.T @ residual + reg_lambda * W, residual.sum(axis=0)


@mutant("gradient", "derivative of another loss")
def labels_forgotten(W, b, X, Y, reg_lambda):
    P = right_softmax(X @ W + b)
    return X.T @ P / len(X) + reg_lambda * W, P.mean(axis=0)

"""Answers to `checks.sgd_step`."""

import numpy as np

from answers import gradient as gradients
from answers.answer import MUTANTS, correct, mutant
from answers.gradient import (
    by_matrices,
    db_as_a_row,
    gradient_in_float32,
    gradient_in_float64,
    gradient_in_loops,
    gradient_without_penalty,
    residual_of,
)


def step_with(gradient):
    """An update that would be right if `gradient` were."""

    def my_step(W, b, X, Y, learning_rate, reg_lambda):
        dW, db = gradient(W, b, X, Y, reg_lambda)
        return W - learning_rate * dW, b - learning_rate * db

    return my_step


# What a step shows of a wrong gradient can have another explanation. Where its shape does not fit,
# NumPy may say so before the check can; and what is zero in db leaves no trace of its shape in b.
ALSO_FITS = {
    gradients.everything_negated: ["adding instead of subtracting"],
    gradients.wrong_sign_of_the_gradient_of_b_alone: ["adding instead of subtracting"],
    gradients.residual_times_X: ["raised"],
    gradients.a_row_for_each_class: ["raised"],
    gradients.pixels_minus_y: ["raised"],
    gradients.mean_along_the_other_axis: ["raised", "b not updated"],
    gradients.one_number_for_all_of_b: ["b not updated"],
}

# Of two mistakes a step has more than one explanation, and what is no pair raises in it.
SINGLE = [
    answer
    for answer in MUTANTS
    if answer.check == "gradient"
    and answer.mistakes
    and ";" not in answer.mistakes[0]
    and answer.name not in ("dictionary_by_name", "gradient_of_W_alone", "bias_first")
]
for answer in SINGLE:
    gradient = answer.make()
    my_step = step_with(gradient)
    my_step.__name__ = f"step_with_{answer.name}"
    mistakes = ["b not updated" if m == "gradient of b missing" else m for m in answer.mistakes]
    mutant("sgd_step", *mistakes, *ALSO_FITS.get(gradient, []))(my_step)


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


@mutant("sgd_step", "λ without the learning rate")
def weight_decay_without_learning_rate(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient_without_penalty(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW - reg_lambda * W, b - learning_rate * db


@mutant("sgd_step", "learning rate left out")
def learning_rate_forgotten(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - dW, b - db


@mutant("sgd_step")
def gradient_in_place_of_the_parameters(W, b, X, Y, learning_rate, reg_lambda):
    return by_matrices(W, b, X, Y, reg_lambda)


@mutant("sgd_step", "nothing updated")
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


@mutant("sgd_step", "b not updated")
def gradient_of_b_computed_and_not_used(W, b, X, Y, learning_rate, reg_lambda):
    dW, _ = by_matrices(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b


@mutant("sgd_step", "W not updated")
def weights_returned_as_they_came(W, b, X, Y, learning_rate, reg_lambda):
    _, db = by_matrices(W, b, X, Y, reg_lambda)
    return W, b - learning_rate * db


@mutant("sgd_step", "a learning rate of its own")
def learning_rate_typed_in(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - 0.1 * dW, b - 0.1 * db


@mutant("sgd_step", "a learning rate of its own")
def learning_rate_of_the_search_typed_in(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, reg_lambda)
    return W - 0.032 * dW, b - 0.032 * db


@mutant("sgd_step", "one maximum for all rows")
def step_with_one_maximum(W, b, X, Y, learning_rate, reg_lambda):
    logits = X @ W + b
    powers = np.exp(logits - logits.max())
    residual = (powers / powers.sum(axis=1, keepdims=True) - Y) / len(X)
    dW = X.T @ residual + reg_lambda * W
    return W - learning_rate * dW, b - learning_rate * residual.sum(axis=0)


@mutant("sgd_step", "adding instead of subtracting; λ missing")
def uphill_without_penalty(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = by_matrices(W, b, X, Y, 0)
    return W + learning_rate * dW, b + learning_rate * db


@mutant("sgd_step", "dictionary in place of a tuple")
def dictionary_of_parameters(W, b, X, Y, learning_rate, reg_lambda):
    W, b = two_new_arrays(W, b, X, Y, learning_rate, reg_lambda)
    return {"W": W, "b": b}

"""A notebook goes on with the student's own function where it is right."""

import numpy as np

from helpers import checks, sgd
from helpers.softmax import gradient


def right_step(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db


def wrong_step(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = gradient(W, b, X, Y, reg_lambda)
    return W + learning_rate * dW, b + learning_rate * db


def unanswered_step(W, b, X, Y, learning_rate, reg_lambda):
    checks.not_attempted()


def test_the_students_own_function_goes_on_where_it_is_right(capsys):
    assert checks.if_right(right_step, checks.sgd_step, sgd.sgd_step) is right_step
    assert capsys.readouterr().out == "From here on: your own right_step.\n"


def test_the_reference_version_stands_in_for_a_wrong_or_unanswered_one(capsys):
    for function in wrong_step, unanswered_step:
        assert checks.if_right(function, checks.sgd_step, sgd.sgd_step) is sgd.sgd_step
        out = capsys.readouterr().out
        assert out.startswith("The reference version stands in. ") and out.count("\n") == 1
        assert function.__name__ in out  # why, in the words of its check


def test_the_reference_step_is_right():
    checks.sgd_step(sgd.sgd_step)
    X, Y = np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]])
    W, b = sgd.sgd_step(np.zeros((2, 2)), np.zeros(2), X, Y, 2.0, 0.0)
    np.testing.assert_array_equal(W, [[1.0, -1.0], [0.5, -0.5]])
    np.testing.assert_array_equal(b, [1.0, -1.0])

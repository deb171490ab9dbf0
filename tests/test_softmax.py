"""The model, its loss and its gradient, on arrays small enough to know the answer."""

import numpy as np
import pytest

from helpers.data import load_mnist
from helpers.softmax import accuracy, gradient, log_softmax, loss, softmax


def examples(dtype=float):
    """W, b, X, Y: five examples, four features, three classes; read-only."""
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(4, 3)), rng.normal(size=3), rng.uniform(size=(5, 4))
    arrays = [array.astype(dtype) for array in (W, b, X, np.eye(3)[[0, 2, 1, 2, 0]])]
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.mark.parametrize(
    ("logits", "probabilities"),
    [
        ([0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]),
        ([0, np.log(3)], [0.25, 0.75]),
        ([np.log(2), np.log(3), np.log(5)], [0.2, 0.3, 0.5]),
        ([np.log(2) - 7, np.log(3) - 7, np.log(5) - 7], [0.2, 0.3, 0.5]),
    ],
)
def test_softmax_of_known_logits(logits, probabilities):
    logits = np.array([logits, logits])
    np.testing.assert_allclose(softmax(logits), [probabilities] * 2, rtol=1e-14)
    np.testing.assert_allclose(log_softmax(logits), np.log([probabilities] * 2), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_softmax_sum_to_one(dtype):
    logits = np.random.default_rng(0).normal(scale=20, size=(100, 10)).astype(dtype)
    probabilities = softmax(logits)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand_are_fine(dtype):
    logits = np.array([[1e4, -1e4, 0], [1e4, 1e4, 1e4], [-1e4, -1e4, -2e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        probabilities = softmax(logits)
        # x = 1e4 with weights ±1; the second label is the less likely class.
        W, b, X = np.array([[1, -1]], dtype), np.zeros(2, dtype), np.full((2, 1), 1e4, dtype)
        Y = np.eye(2, dtype=dtype)
        assert loss(W, b, X[:1], Y[:1]) == 0
        assert loss(W, b, X[1:], Y[1:]) == 2e4
        dW, db = gradient(W, b, X, Y)
    expected = [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1 / 2, 1 / 2, 0]]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)
    np.testing.assert_allclose(dW, [[5e3, -5e3]])
    np.testing.assert_allclose(db, [0.5, -0.5])


def test_loss_of_known_probabilities():
    # Logits (ln 3, 0) at x = 1 and (2 ln 3, 0) at x = 2: probabilities (3, 1)/4 and (9, 1)/10.
    W, b = np.array([[np.log(3), 0]]), np.zeros(2)
    X, Y = np.array([[1.0], [2.0]]), np.eye(2)
    cross_entropy = -(np.log(0.75) + np.log(0.1)) / 2
    assert loss(W, b, X, Y) == pytest.approx(cross_entropy, rel=1e-14)
    penalty = 0.5 / 2 * np.log(3) ** 2
    assert loss(W, b, X, Y, reg_lambda=0.5) == pytest.approx(cross_entropy + penalty, rel=1e-14)


def test_loss_of_mnist_at_zero_is_ln_10():
    mnist = load_mnist()
    W, b = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    assert loss(W, b, mnist.X_train, mnist.Y_train) == pytest.approx(np.log(10), abs=1e-6)


@pytest.mark.parametrize("reg_lambda", [0.0, 0.3])
def test_gradient_agrees_with_central_differences(reg_lambda):
    W, b, X, Y = examples()
    step = 1e-5

    def slope(dW, db):
        ahead = loss(W + step * dW, b + step * db, X, Y, reg_lambda)
        behind = loss(W - step * dW, b - step * db, X, Y, reg_lambda)
        return (ahead - behind) / (2 * step)

    dW, db = gradient(W, b, X, Y, reg_lambda)
    directions = np.eye(W.size).reshape(-1, *W.shape)
    numeric_dW = np.reshape([slope(direction, 0) for direction in directions], W.shape)
    numeric_db = [slope(0, direction) for direction in np.eye(3)]
    np.testing.assert_allclose(dW, numeric_dW, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(db, numeric_db, rtol=1e-7, atol=1e-9)


def test_the_penalty_acts_on_weights_and_not_on_the_bias():
    W, b, X, Y = examples()
    dW, db = gradient(W, b, X, Y)
    dW_penalized, db_penalized = gradient(W, b, X, Y, reg_lambda=2.0)
    np.testing.assert_allclose(dW_penalized - dW, 2 * W)
    np.testing.assert_array_equal(db_penalized, db)
    difference = loss(W, b, X, Y, reg_lambda=2.0) - loss(W, b, X, Y)
    assert difference == pytest.approx((W**2).sum())


def test_accuracy_is_the_fraction_of_right_classes():
    X = np.array([[3.0, 0, 0], [0, 3, 0], [0, 0, 3], [1, 2, 0]])
    Y = np.eye(3)[[0, 1, 2, 0]]
    assert accuracy(np.eye(3), np.zeros(3), X, Y) == 0.75
    assert accuracy(np.eye(3), np.array([2.0, 0, 0]), X, Y) == 1.0
    assert accuracy(-np.eye(3), np.zeros(3), X, Y) == 0.0


@pytest.mark.parametrize("num_examples", [1, 127, 128, 300])
def test_loss_and_accuracy_of_many_examples_are_the_means_over_each(num_examples):
    rng = np.random.default_rng(0)
    W, b = 0.1 * rng.normal(size=(784, 10)), rng.normal(size=10)
    X = rng.uniform(size=(num_examples, 784))
    Y = np.eye(10)[rng.integers(10, size=num_examples)]
    single = [(X[i : i + 1], Y[i : i + 1]) for i in range(num_examples)]
    losses = [loss(W, b, x, y) for x, y in single]
    np.testing.assert_allclose(loss(W, b, X, Y), np.mean(losses), rtol=1e-12)
    right = [accuracy(W, b, x, y) for x, y in single]
    assert set(right) <= {0.0, 1.0}
    assert accuracy(W, b, X, Y) == pytest.approx(np.mean(right))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_keep_the_dtype_of_the_inputs(dtype):
    W, b, X, Y = examples(dtype)
    dW, db = gradient(W, b, X, Y, 0.1)
    results = softmax(X), log_softmax(X), loss(W, b, X, Y, 0.1), dW, db
    assert {result.dtype for result in results} == {np.dtype(dtype)}
    assert dW.shape == W.shape and db.shape == b.shape


def test_no_argument_is_changed():
    # The examples are read-only: writing into one would raise.
    W, b, X, Y = examples()
    softmax(X)
    loss(W, b, X, Y, 0.1)
    gradient(W, b, X, Y, 0.1)
    accuracy(W, b, X, Y)


WRONG_SHAPES = {
    "W transposed": ("W", (3, 4)),
    "b as a row": ("b", (1, 3)),
    "b too long": ("b", (4,)),
    "X too narrow": ("X", (5, 3)),
    "images not flattened": ("X", (5, 2, 2)),
    "one label too few": ("Y", (4, 3)),
    "labels not one-hot": ("Y", (5,)),
}


@pytest.mark.parametrize("function", [loss, gradient, accuracy])
@pytest.mark.parametrize(("name", "shape"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_wrong_shapes_are_refused_with_what_was_given(function, name, shape):
    arguments = dict(zip("WbXY", examples(), strict=True)) | {name: np.zeros(shape)}
    with pytest.raises(ValueError, match="expected X") as error:
        function(**arguments)
    for argument, array in arguments.items():
        assert f"{argument} {array.shape}" in str(error.value).replace("X is", "X")


@pytest.mark.parametrize("function", [loss, gradient, accuracy])
def test_no_examples_are_refused(function):
    W, b, X, Y = examples()
    with pytest.raises(ValueError, match="n at least 1"):
        function(W, b, X[:0], Y[:0])


@pytest.mark.parametrize("function", [loss, gradient, accuracy])
@pytest.mark.parametrize("dtype", [np.uint8, int])
def test_integer_pixels_are_refused_with_advice(function, dtype):
    W, b, X, Y = examples()
    with pytest.raises(ValueError, match=f"{np.dtype(dtype)} pixels.*preprocess_data"):
        function(W, b, X.astype(dtype), Y)


@pytest.mark.parametrize("function", [loss, gradient, accuracy])
def test_labels_in_words_are_refused_with_advice(function):
    W, b, X, Y = examples()
    with pytest.raises(ValueError, match="Y holds <U5 labels, expected one-hot rows"):
        function(W, b, X, np.full(Y.shape, "seven"))

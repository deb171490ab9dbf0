"""The driver of SGD with the hand-coded engine: every update, order and record is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers import sgd
from helpers.softmax import accuracy, loss

NUM_EXAMPLES = 7


def examples(dtype=float, num_examples=NUM_EXAMPLES, seed=0):
    """X with four features and Y with three classes; read-only."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(num_examples, 4)).astype(dtype)
    Y = np.eye(3, dtype=dtype)[rng.integers(3, size=num_examples)]
    X.flags.writeable = Y.flags.writeable = False
    return X, Y


def start():
    rng = np.random.default_rng(1)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    W.flags.writeable = b.flags.writeable = False
    return W, b


def train(data=None, **settings):
    """A run on the examples, with the settings of most tests."""
    defaults = dict(batch_size=3, learning_rate=0.5, reg_lambda=0.1)
    if "num_iterations" not in settings:
        defaults["num_epochs"] = 2
    return sgd.train_classifier(*(data or examples()), **defaults | settings)


def plain_sgd(X, Y, W, b, batches, rates, reg_lambda, reduction="mean"):
    """SGD once more, example by example: W, b and the loss of each minibatch."""
    minibatch_loss = []
    for batch, rate in zip(batches, rates, strict=True):
        dW, db, losses = np.zeros_like(W), np.zeros_like(b), []
        for x, y in zip(X[batch], Y[batch], strict=True):
            exponentials = np.exp(x @ W + b)
            p = exponentials / exponentials.sum()
            dW, db = dW + np.outer(x, p - y), db + (p - y)
            losses.append(-np.log(p[y == 1][0]))
        count = len(batch) if reduction == "mean" else 1
        W, b = W - rate * (dW / count + reg_lambda * W), b - rate * db / count
        minibatch_loss.append(np.mean(losses))
    return W, b, minibatch_loss


def shuffled_batches(num_epochs, batch_size, seed=0, num_examples=NUM_EXAMPLES):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(num_examples) for _ in range(num_epochs)]
    starts = range(0, num_examples, batch_size)
    return [order[start : start + batch_size] for order in orders for start in starts]


def use_engine(monkeypatch, advance):
    """Make `advance` the engine of the driver."""
    monkeypatch.setattr(sgd.engines, "prepare", lambda name, X, Y, **settings: advance)


# One update


@pytest.mark.parametrize(("reduction", "count"), [("mean", 2), ("sum", 1)])
def test_one_update_by_hand(reduction, count):
    # Logits (ln 3, 0) at x = 1 and (2 ln 3, 0) at x = 2: probabilities (3, 1)/4 and (9, 1)/10.
    # A bias that is the same for both classes does not change them, but a penalty on it would show.
    X, Y = np.array([[1.0], [2.0]]), np.eye(2)
    W, b = np.array([[np.log(3), 0]]), np.array([1.0, 1.0])
    history = train(
        (X, Y),
        batch_size=2,
        num_iterations=1,
        learning_rate=0.2,
        reg_lambda=0.1,
        initial=(W, b),
        reduction=reduction,
    )
    dW = np.array([[-0.25 + 2 * 0.9, 0.25 - 2 * 0.9]]) / count + 0.1 * W
    db = np.array([-0.25 + 0.9, 0.25 - 0.9]) / count
    np.testing.assert_allclose(history.W, W - 0.2 * dW, rtol=1e-14)
    np.testing.assert_allclose(history.b, b - 0.2 * db, rtol=1e-14)
    np.testing.assert_allclose(history.minibatch_loss, [-(np.log(0.75) + np.log(0.1)) / 2])


def test_an_update_survives_logits_of_ten_thousand():
    X, Y = np.full((2, 1), 1e4, np.float32), np.eye(2, dtype=np.float32)
    W, b = np.array([[1, -1]], np.float32), np.zeros(2, np.float32)
    history = train(
        (X, Y),
        batch_size=2,
        num_iterations=1,
        learning_rate=1e-4,
        reg_lambda=0.0,
        initial=(W, b),
    )
    np.testing.assert_allclose(history.minibatch_loss, [1e4])
    np.testing.assert_allclose(history.W, [[0.5, -0.5]], rtol=1e-6)


# Whole runs


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_a_shuffled_run_agrees_with_plain_sgd(batch_size, reduction):
    batches = shuffled_batches(3, batch_size, seed=5)
    settings = dict(reg_lambda=0.1, reduction=reduction)
    history = train(
        batch_size=batch_size,
        learning_rate=0.2,
        num_epochs=3,
        seed=5,
        initial=start(),
        **settings,
    )
    rates = [0.2] * len(batches)
    W, b, minibatch_loss = plain_sgd(*examples(), *start(), batches, rates, **settings)
    np.testing.assert_allclose(history.W, W, rtol=1e-12)
    np.testing.assert_allclose(history.b, b, rtol=1e-12)
    np.testing.assert_allclose(history.minibatch_loss, minibatch_loss, rtol=1e-12)


def test_without_shuffling_the_order_is_that_of_the_file_and_the_last_minibatch_is_short():
    history = train(shuffle=False, num_epochs=2, initial=start())
    batches = [[0, 1, 2], [3, 4, 5], [6]] * 2
    W, b, minibatch_loss = plain_sgd(*examples(), *start(), batches, [0.5] * 6, 0.1)
    np.testing.assert_allclose(history.W, W, rtol=1e-12)
    np.testing.assert_allclose(history.b, b, rtol=1e-12)
    np.testing.assert_allclose(history.minibatch_loss, minibatch_loss, rtol=1e-12)


def test_a_learning_rate_function_is_asked_at_each_iteration():
    def learning_rate(iteration):
        return 0.5 / (1 + iteration)

    history = train(learning_rate=learning_rate, shuffle=False, initial=start(), num_iterations=4)
    batches = [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2]]
    rates = [0.5, 0.25, 0.5 / 3, 0.125]
    W, b, _ = plain_sgd(*examples(), *start(), batches, rates, 0.1)
    np.testing.assert_allclose(history.W, W, rtol=1e-12)
    np.testing.assert_allclose(history.b, b, rtol=1e-12)


def test_without_fit_bias_b_stays_as_it_was():
    W, b = start()
    np.testing.assert_array_equal(train(fit_bias=False, initial=(W, b)).b, b)
    np.testing.assert_array_equal(train(fit_bias=False).b, np.zeros(3))
    assert (train(initial=(W, b)).b != b).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_starts_at_zero_in_the_dtype_of_the_images(dtype):
    history = train(examples(dtype))
    assert history.W.dtype == history.b.dtype == dtype
    assert not history.W_checkpoints[0].any() and not history.b_checkpoints[0].any()
    assert history.train_loss[0] == pytest.approx(np.log(3), rel=1e-6)
    assert history.minibatch_loss[0] == pytest.approx(np.log(3), rel=1e-6)


def test_a_given_start_takes_the_dtype_of_the_images():
    history = train(examples(np.float32), initial=start())
    assert history.W.dtype == history.b.dtype == np.float32
    np.testing.assert_array_equal(history.W_checkpoints[0], start()[0].astype(np.float32))
    np.testing.assert_array_equal(history.b_checkpoints[0], start()[1].astype(np.float32))


def test_a_run_can_be_continued_from_where_another_ended():
    half = train(shuffle=False, num_epochs=1)
    rest = train(shuffle=False, num_epochs=1, initial=(half.W, half.b))
    np.testing.assert_array_equal(rest.W, train(shuffle=False, num_epochs=2).W)


def test_the_same_seed_gives_the_same_run():
    first, again, other = (train(seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.W, again.W)
    np.testing.assert_array_equal(first.minibatch_loss, again.minibatch_loss)
    assert (first.W != other.W).any()


def test_global_random_state_neither_matters_nor_changes():
    np.random.seed(1)  # noqa: NPY002
    first = train().W
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(train().W, first)
    following = np.random.random()  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert following == np.random.random()  # noqa: NPY002


def test_no_argument_is_changed():
    # Examples and start are read-only: writing into one would raise.
    checkpoints = [2, 1]
    X_test, Y_test = examples(seed=3)
    train(initial=start(), X_test=X_test, Y_test=Y_test, checkpoints=checkpoints)
    assert checkpoints == [2, 1]


def test_labels_may_have_another_dtype_than_images():
    X, Y = examples(np.float32)
    expected = train((X, Y))
    for dtype in np.uint8, bool, np.float64:
        history = train((X, Y.astype(dtype)))
        assert history.W.dtype == np.float32
        np.testing.assert_array_equal(history.W, expected.W)


# The order of the examples


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_minibatches_hold_every_example_once(batch_size):
    batches = list(sgd.minibatches(7, batch_size, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(7))
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}
    assert len(batches[-1]) == (7 % batch_size or batch_size)


def test_minibatches_come_in_a_fresh_order_or_in_that_of_the_file():
    rng = np.random.default_rng(0)
    first, second = (np.concatenate([*sgd.minibatches(100, 10, rng)]) for _ in range(2))
    assert (first != second).any() and (first != np.arange(100)).any()
    in_file = [batch.tolist() for batch in sgd.minibatches(5, 2)]
    assert in_file == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("checkpoints", [None, [], [1, 2, 5]])
@pytest.mark.parametrize("longest_stretch", [1, 2, 1000])
def test_every_example_is_visited_once_per_epoch(monkeypatch, checkpoints, longest_stretch):
    visited = []

    def advance(W, b, rows, learning_rates):
        minibatches = [rows[i * 3 : (i + 1) * 3] for i in range(len(learning_rates))]
        assert sum(map(len, minibatches)) == len(rows)
        visited.extend(minibatches)
        return W, b, np.zeros(len(learning_rates))

    use_engine(monkeypatch, advance)
    monkeypatch.setattr(sgd, "LONGEST_STRETCH", longest_stretch)
    train(num_epochs=3, checkpoints=checkpoints, seed=4)
    expected = shuffled_batches(3, 3, seed=4)
    assert [batch.tolist() for batch in visited] == [batch.tolist() for batch in expected]
    orders = [tuple(np.concatenate(expected[i : i + 3])) for i in (0, 3, 6)]
    assert len(set(orders)) == 3
    assert all(sorted(order) == list(range(7)) for order in orders)


def test_with_replacement_every_draw_is_on_its_own_from_the_same_generator():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([*sgd.minibatches(10_000, 7, rng, replace=True)])
    assert len(drawn) == 10_000
    # An example is in an epoch with probability 1 − (1 − 1/n)ⁿ, nearly 1 − 1/e.
    assert len(set(drawn)) / 10_000 == pytest.approx(1 - np.exp(-1), abs=0.02)

    rng = np.random.default_rng(5)
    batches = [b for _ in range(2) for b in sgd.minibatches(7, 3, rng, replace=True)]
    W, b, _ = plain_sgd(*examples(), *start(), batches, [0.5] * 6, 0.1)
    history = train(replace=True, seed=5, initial=start())
    np.testing.assert_allclose(history.W, W, rtol=1e-12)
    np.testing.assert_allclose(history.b, b, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "updates"),
    [
        (dict(num_epochs=np.uint8(200)), 600),
        (dict(batch_size=np.int8(1), num_epochs=np.int8(100)), 700),
        (dict(num_iterations=np.uint8(200), checkpoints=np.array([199], np.uint8)), 200),
        (dict(learning_rate=np.float16(0.5), reg_lambda=np.float32(0), seed=np.int8(0)), 6),
        (dict(shuffle=np.True_, replace=np.False_, fit_bias=np.bool_(True)), 6),
    ],
)
def test_numbers_of_numpy_are_taken_as_what_they_say(settings, updates):
    assert len(train(**settings).minibatch_loss) == updates


def test_small_integers_of_numpy_wrap_nowhere():
    batches = list(sgd.minibatches(np.uint8(255), np.uint8(50)))
    assert np.concatenate(batches).tolist() == [*range(255)]
    X, Y = np.tile(examples()[0], (100, 1)), np.tile(examples()[1], (100, 1))  # 700
    checkpoints = [np.uint8(100), np.int16(400)]
    run = sgd.updates(X, Y, checkpoints=checkpoints, batch_size=np.uint8(1), learning_rate=0.1)
    assert [stretch.iteration for stretch in run] == [0, 100, 400]


# The bare updates


def test_bare_updates_come_in_stretches_that_end_at_checkpoints_and_epochs():
    settings = dict(batch_size=3, learning_rate=0.5, reg_lambda=0.1, seed=2, initial=start())
    handed_over = list(sgd.updates(*examples(), checkpoints=[5, 7], **settings))
    assert [stretch.iteration for stretch in handed_over] == [0, 3, 5, 6, 7]
    history = train(num_iterations=7, checkpoints=range(8), **settings)
    for stretch in handed_over:
        np.testing.assert_array_equal(stretch.W, history.W_checkpoints[stretch.iteration])
        np.testing.assert_array_equal(stretch.b, history.b_checkpoints[stretch.iteration])
    assert (np.diff([stretch.seconds for stretch in handed_over]) > 0).all()
    losses = [stretch.minibatch_loss for stretch in handed_over]
    np.testing.assert_array_equal(np.concatenate(losses), history.minibatch_loss)


@pytest.mark.parametrize("checkpoints", [5, [2.5], [-1], None])
def test_bare_updates_refuse_checkpoints_that_are_none(checkpoints):
    run = sgd.updates(*examples(), checkpoints=checkpoints, batch_size=3, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"checkpoints .*, expected iterations of at least 0"):
        next(run)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "3"])
def test_minibatches_of_no_size_are_refused(batch_size):
    with pytest.raises(ValueError, match=r"batch_size is .*, expected an integer of at least 1"):
        next(sgd.minibatches(7, batch_size))


def test_bare_updates_end_where_they_diverge():
    settings = dict(batch_size=3, learning_rate=10.0, reg_lambda=1.0)
    stretches = list(sgd.updates(*examples(), checkpoints=[10_000], **settings))
    losses = np.concatenate([stretch.minibatch_loss for stretch in stretches])
    assert np.isfinite(losses).all() and len(losses) == stretches[-1].iteration < 10_000


def test_bare_updates_check_their_settings_before_the_first_one():
    with pytest.raises(ValueError, match="batch_size is 0"):
        sgd.updates(*examples(), checkpoints=[1], batch_size=0, learning_rate=0.1)


# The history


@pytest.mark.parametrize(
    ("settings", "iterations"),
    [
        (dict(num_epochs=2), [0, 3, 6]),
        (dict(num_iterations=5), [0, 3, 5]),
        (dict(num_iterations=2), [0, 2]),
        (dict(num_epochs=2, checkpoints=[4, 1, 4]), [0, 1, 4, 6]),
        (dict(num_epochs=2, checkpoints=[]), [0, 6]),
        (dict(num_epochs=2, checkpoints=range(7)), [0, 1, 2, 3, 4, 5, 6]),
        (dict(num_epochs=2, checkpoints=np.array([0, 6])), [0, 6]),
    ],
)
def test_checkpoints(settings, iterations):
    history = train(**settings)
    assert history.iteration.tolist() == iterations
    assert np.issubdtype(history.iteration.dtype, np.integer)
    assert len(history.minibatch_loss) == iterations[-1]


def test_checkpoints_do_not_change_the_run():
    often, seldom = train(checkpoints=range(7)), train(checkpoints=[])
    np.testing.assert_array_equal(often.W, seldom.W)
    np.testing.assert_array_equal(often.minibatch_loss, seldom.minibatch_loss)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_history_holds_loss_with_penalty_and_accuracy_at_each_checkpoint(reduction):
    X, Y = examples()
    X_test, Y_test = examples(num_examples=50, seed=3)
    history = train(reduction=reduction, X_test=X_test, Y_test=Y_test, initial=start())
    parameters = list(zip(history.W_checkpoints, history.b_checkpoints, strict=True))
    losses = [loss(W, b, X, Y, 0.1) for W, b in parameters]
    np.testing.assert_allclose(history.train_loss, losses, rtol=1e-14)
    accuracies = [accuracy(W, b, X_test, Y_test) for W, b in parameters]
    np.testing.assert_array_equal(history.test_accuracy, accuracies)
    test_losses = [loss(W, b, X_test, Y_test) for W, b in parameters]  # without penalty
    np.testing.assert_allclose(history.test_loss, test_losses, rtol=1e-14)
    assert len(set(accuracies)) > 1
    np.testing.assert_array_equal(history.W, history.W_checkpoints[-1])
    np.testing.assert_array_equal(history.b, history.b_checkpoints[-1])
    assert len(history.seconds) == len(history.iteration) == len(parameters)
    assert history.stopped == history.message == ""


def test_without_a_test_set_there_is_neither_test_loss_nor_test_accuracy():
    assert train().test_accuracy is None and train().test_loss is None


def test_seconds_are_cumulative_and_count_updates_only(monkeypatch):
    now = 0.0
    settings = dict(batch_size=3, reg_lambda=0.1, reduction="mean", fit_bias=True)
    advance = sgd.engines.prepare("numpy", *examples(), **settings)

    def slow(seconds, function):
        def slow_function(*arguments, **options):
            nonlocal now
            now += seconds
            return function(*arguments, **options)

        return slow_function

    monkeypatch.setattr(sgd, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(sgd, "cross_entropy", slow(100, sgd.cross_entropy))
    monkeypatch.setattr(sgd, "fraction_correct", slow(1000, sgd.fraction_correct))
    use_engine(monkeypatch, slow(1, advance))
    X_test, Y_test = examples(seed=3)
    history = train(num_epochs=3, X_test=X_test, Y_test=Y_test)
    assert history.seconds.tolist() == [0, 1, 2, 3]


# Runs that end early


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("checkpoints", [None, [], range(10_001)])
def test_divergence_keeps_what_was_reached_and_says_when(dtype, checkpoints):
    # Far above 2/λ = 2: the penalty alone multiplies W by −9 in each update.
    settings = dict(batch_size=3, learning_rate=10.0, reg_lambda=1.0)
    X_test, Y_test = examples(dtype, seed=3)
    with pytest.warns() as warned:
        history = train(
            examples(dtype),
            num_iterations=10_000,
            checkpoints=checkpoints,
            X_test=X_test,
            Y_test=Y_test,
            **settings,
        )
    [warning] = warned
    assert warning.category is RuntimeWarning and warning.filename == __file__
    reached = len(history.minibatch_loss)
    assert 10 < reached < 1000 and history.stopped == "diverged"
    for words in "diverged", "learning rate 10", "batch size 3", f"iteration {reached}":
        assert words in str(warning.message) and words in history.message
    assert history.iteration[0] == 0 and history.iteration[-1] <= reached
    for values in vars(history).values():
        assert isinstance(values, str) or np.isfinite(values).all()
    assert len(history.train_loss) == len(history.W_checkpoints) == len(history.iteration)
    np.testing.assert_array_equal(history.W, history.W_checkpoints[-1])


def test_an_error_of_a_learning_rate_function_is_its_own():
    def learning_rate(iteration):
        raise FloatingPointError("of the function")

    with pytest.raises(FloatingPointError, match="of the function"):
        train(learning_rate=learning_rate)


def test_a_learning_rate_function_is_asked_once_for_each_iteration_also_by_messages():
    asked = []

    def learning_rate(iteration):
        asked.append(iteration)
        return 10.0 + iteration

    with pytest.warns(
        RuntimeWarning, match=r"diverged at iteration (\d+).*learning rate"
    ) as warned:
        history = train(learning_rate=learning_rate, reg_lambda=1.0, num_iterations=10_000)
    assert asked == list(range(len(asked))) and len(asked) < 10_000
    rate = 10 + len(history.minibatch_loss) - 1  # of the last update
    assert f"learning rate {rate:g}" in str(warned[0].message)


def test_weights_that_float32_can_hold_are_a_start_even_if_their_squares_are_not():
    W, b = np.full((4, 3), 1e19), np.zeros(3)
    history = train(examples(np.float32), initial=(W, b), reg_lambda=1e-4, num_iterations=1)
    assert history.stopped == "" and np.isfinite(history.train_loss).all()


def test_ctrl_c_keeps_what_was_reached(monkeypatch):
    prepare = sgd.engines.prepare

    def prepare_interrupted(*arguments, **settings):
        advance, calls = prepare(*arguments, **settings), []

        def interrupted(*arguments):
            calls.append(arguments)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return advance(*arguments)

        return interrupted

    undisturbed = train(num_epochs=2, checkpoints=range(7))
    monkeypatch.setattr(sgd.engines, "prepare", prepare_interrupted)
    monkeypatch.setattr(sgd, "LONGEST_STRETCH", 2)  # the stops are 2, 3, 4 and 6
    with pytest.raises(KeyboardInterrupt, match=r"interrupted at iteration 3.*0\.5.*3") as raised:
        train(num_epochs=2, checkpoints=[])
    assert raised.type is sgd.TrainingInterrupted
    [line] = raised.value._render_traceback_()
    assert raised.value.history.message in line and "sys.last_value.history" in line
    history = raised.value.history
    assert history.stopped == "interrupted"
    assert history.iteration.tolist() == [0, 3]
    np.testing.assert_array_equal(history.W, undisturbed.W_checkpoints[3])
    np.testing.assert_array_equal(history.train_loss, undisturbed.train_loss[[0, 3]])
    np.testing.assert_array_equal(history.minibatch_loss, undisturbed.minibatch_loss[:3])


# What is refused

X, Y = examples()
SEVERAL_ONES = Y.copy()
SEVERAL_ONES[2] = 1
REFUSED = [
    (dict(Y_train=Y[:-1]), r"X_train is \(7, 4\) and Y_train \(6, 3\)"),
    (dict(X_train=X.ravel()), r"X_train is \(28,\)"),
    (dict(X_train=X.reshape(7, 2, 2)), r"X_train is \(7, 2, 2\).*expected \(n, features\)"),
    (dict(Y_train=Y.argmax(axis=1)), r"Y_train \(7,\)"),
    (dict(X_train=X[:0], Y_train=Y[:0]), r"X_train is \(0, 4\).*n, features and classes at l"),
    (dict(X_train=X[:, :0]), r"X_train is \(7, 0\).*n, features and classes at least 1"),
    (dict(Y_train=Y[:, :0]), r"Y_train \(7, 0\).*n, features and classes at least 1"),
    (dict(Y_train=np.full((7, 3), "seven")), "Y_train holds <U5 labels, expected one-hot"),
    (dict(X_train=np.full((7, 4), "dark")), "X_train holds <U4 pixels, expected float32"),
    (dict(X_train=(X * 255).astype(np.uint8)), "uint8 pixels.*preprocess_data"),
    (dict(X_train=(X * 255).astype(int)), "int64 pixels.*preprocess_data"),
    (dict(Y_train=SEVERAL_ONES), r"Y_train is not one-hot: row 2 is \[1. 1. 1.\]"),
    (dict(Y_train=Y * 0.5), "Y_train is not one-hot: row 0"),
    (dict(Y_train=Y * 0), "Y_train is not one-hot: row 0"),
    (dict(Y_train=Y * np.nan), "Y_train is not one-hot: row 0"),
    (dict(X_train=X * np.nan), r"X_train.*not finite: at \(0, 0\) stands nan"),
    (dict(X_test=X), "only one of X_test and Y_test"),
    (dict(Y_test=Y), "only one of X_test and Y_test"),
    (dict(X_test=X[:, :3], Y_test=Y), r"X_test \(7, 3\).*X_train \(7, 4\)"),
    (dict(X_test=X * np.nan, Y_test=Y), r"X_test.*not finite: at \(0, 0\) stands nan"),
    (dict(X_test=(X * 255).astype(np.uint8), Y_test=Y), "X_test holds uint8 pixels"),
    (dict(X_test=X, Y_test=SEVERAL_ONES), "Y_test is not one-hot: row 2"),
    (dict(batch_size=0), "batch_size is 0, expected an integer from 1 to 7"),
    (dict(batch_size=-1), "batch_size is -1"),
    (dict(batch_size=8), "batch_size is 8, expected an integer from 1 to 7"),
    (dict(batch_size=2.0), "batch_size is 2.0"),
    (dict(batch_size=True), "batch_size is True"),
    (dict(learning_rate=0), "learning_rate is 0, expected a positive number"),
    (dict(learning_rate=-0.1), "learning_rate is -0.1"),
    (dict(learning_rate=np.nan), "learning_rate is nan"),
    (dict(learning_rate=np.inf), "learning_rate is inf"),
    (dict(learning_rate=lambda t: 0.5 - 0.25 * t), r"learning_rate\(2\) is 0.0, expected a pos"),
    (dict(learning_rate=lambda t: np.nan), r"learning_rate\(0\) is nan"),
    (dict(learning_rate=lambda t: "0.1"), r"learning_rate\(0\) is '0.1'"),
    (dict(learning_rate=lambda t: [0.1, True, 0.1][t]), r"learning_rate\(1\) is True"),
    (dict(learning_rate=lambda t, left=[0.5, 0.5]: next(iter(left[t:]))), r"rate\(2\) raised Stop"),
    (
        dict(X_train=X.astype("f4"), learning_rate=lambda t: 1e-50),
        r"rate\(0\) is 1e-50, which is 0",
    ),
    (dict(learning_rate="0.1"), "learning_rate is '0.1', expected a positive number"),
    (dict(learning_rate=True), "learning_rate is True"),
    (dict(X_train=X.astype("f4"), learning_rate=1e-50), "1e-50, which is 0.0 in float32"),
    (dict(X_train=X.astype("f4"), learning_rate=1e39), r"1e\+39, which is inf in float32"),
    (dict(X_train=X.astype("f4"), reg_lambda=1e39), r"reg_lambda is 1e\+39, which is inf"),
    (dict(reg_lambda=-1e-4), "reg_lambda is -0.0001, expected a number that is not negative"),
    (dict(reg_lambda=np.nan), "reg_lambda is nan"),
    (dict(num_epochs=None), "num_epochs is None and num_iterations is None, expected exactly one"),
    (dict(num_iterations=5), "num_epochs is 1 and num_iterations is 5, expected exactly one"),
    (dict(num_epochs=0), "num_epochs is 0, expected an integer of at least 1"),
    (dict(num_epochs=1.5), "num_epochs is 1.5"),
    (dict(num_epochs=None, num_iterations=0), "num_iterations is 0"),
    (dict(checkpoints=[4]), "checkpoints hold 4, expected iterations from 0 to 3"),
    (dict(checkpoints=[-1, 2]), "checkpoints hold -1"),
    (dict(checkpoints=5), r"checkpoints is 5, expected iterations from 0 to 3, such as \[3\]"),
    (dict(checkpoints=[True]), "checkpoints hold True"),
    (dict(seed=-1), "seed is -1, expected an integer of at least 0"),
    (dict(shuffle="no"), "shuffle is 'no', expected True or False"),
    (dict(replace=True, shuffle=False), "replace is True and shuffle is False"),
    (dict(reduction="max"), "reduction is 'max', expected one of 'mean', 'sum'"),
    (dict(engine="abacus"), "engine is 'abacus', expected one of 'numpy', 'numba'"),
    (dict(initial=(np.zeros((3, 4)), np.zeros(3))), r"W \(3, 4\)"),
    (dict(initial=(np.zeros((4, 3)), np.zeros(4))), r"b \(4,\)"),
    (dict(initial=(np.full((4, 3), np.inf), np.zeros(3))), "W of initial.*not finite"),
    (dict(initial=(np.full((4, 3), 1e308), np.zeros(3))), "start is not finite.*up to 1e\\+308"),
    (dict(initial=(np.zeros((4, 3)),)), r"initial is a tuple of 1, expected \(W, b\)"),
    (dict(initial=5), r"initial is 5, expected \(W, b\)"),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED)
def test_what_makes_no_sense_is_refused_with_what_was_given(wrong, words):
    settings = dict(X_train=X, Y_train=Y, batch_size=3, learning_rate=0.5, num_epochs=1)
    with pytest.raises(ValueError, match=words):
        sgd.train_classifier(**settings | wrong)


# The progress bar


@pytest.fixture
def impatient(monkeypatch):
    """A bar that does not wait before it appears."""
    bar = sgd.progress_bar
    monkeypatch.setattr(
        sgd, "progress_bar", lambda *args, **options: bar(*args, **options | dict(delay=0))
    )


def test_a_progress_bar_is_shown_only_if_wanted(impatient, capfd):
    train(progress=False)
    assert capfd.readouterr() == ("", "")
    train(progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "Training" in err and "/6" in err


def test_a_short_run_shows_no_progress_bar(capfd):
    train(progress=True)
    assert capfd.readouterr() == ("", "")

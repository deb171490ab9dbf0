"""Q3 and Q5: rules, runs and rates with what people get wrong in them, and the mistakes."""

import numpy as np

from helpers import softmax
from helpers.checks.diagnosis import Mistake
from helpers.sgd import sgd_step

RATE = 0.5  # of the step in the check of a training run
RUNS = ["batch_size", "learning_rate"]


def lowest_mean(rows, column="validation_loss", statistic="mean"):
    """For each batch size the learning rate with the lowest mean of a column over the seeds."""
    means = rows.groupby(RUNS)[column].agg(statistic)
    return means.groupby("batch_size").idxmin().str[1].to_dict()


def rates_formula(rows, choose=lowest_mean):
    """The rates by batch size, in the order of the batch sizes."""
    rates = choose(rows)
    return np.array([rates.get(B, np.nan) for B in np.unique(rows["batch_size"])], float)


def _lowest_row(rows, column="validation_loss"):
    lowest = rows.sort_values(column, kind="stable").drop_duplicates("batch_size")
    return dict(zip(lowest["batch_size"], lowest["learning_rate"], strict=True))


def _negative(rows, column):
    return rows.assign(negative=-rows[column].replace(np.inf, np.nan))


def _one_for_all(rows):
    best = rows.groupby("learning_rate")["validation_loss"].mean().idxmin()
    return dict.fromkeys(rows["batch_size"], best)


def _lowest_loss(rows):
    means = rows.groupby(RUNS)["validation_loss"].mean()
    return means.groupby("batch_size").min().to_dict()


BEST_RATES = (
    Mistake(
        "chosen on the test set",
        "Choose by validation_loss: a rate chosen on the test set makes its accuracy look better "
        "than it is.",
        (
            {"choose": lambda rows: lowest_mean(rows, "test_loss")},
            {"choose": lambda rows: _lowest_row(rows, "test_loss")},
            {"choose": lambda rows: lowest_mean(_negative(rows, "test_accuracy"), "negative")},
            {"choose": lambda rows: _lowest_row(_negative(rows, "test_accuracy"), "negative")},
        ),
    ),
    Mistake(
        "one seed decides",
        "A rate can be lucky once: take the mean over the seeds.",
        (
            {"choose": _lowest_row},
            {"choose": lambda rows: _lowest_row(rows[rows["seed"] == 0])},
            {"choose": lambda rows: _lowest_row(rows[rows["seed"] == 1])},
            {"choose": lambda rows: lowest_mean(rows.drop_duplicates(RUNS))},
            {"choose": lambda rows: lowest_mean(rows.drop_duplicates(RUNS, keep="last"))},
            {"choose": lambda rows: lowest_mean(rows, statistic="min")},
        ),
    ),
    Mistake(
        "diverged runs left out",
        "A rate that diverges with one seed is no good one: its mean is infinite.",
        ({"choose": lambda rows: lowest_mean(rows.replace(np.inf, np.nan))},),
    ),
    Mistake(
        "not the mean over the seeds",
        "Where there are several seeds, their mean decides: not their sum (some rates have more "
        "seeds than others), their median or the worst of them.",
        tuple(
            {"choose": lambda rows, statistic=statistic: lowest_mean(rows, statistic=statistic)}
            for statistic in ("sum", "median", "max")
        ),
    ),
    Mistake(
        "the worst rate chosen",
        "The lowest validation loss is the best.",
        (
            {"choose": lambda rows: lowest_mean(_negative(rows, "validation_loss"), "negative")},
            {"choose": lambda rows: lowest_mean(rows, statistic=lambda losses: -losses.mean())},
        ),
    ),
    Mistake(
        "one rate for all batch sizes",
        "Each batch size has a rate of its own.",
        ({"choose": _one_for_all},),
    ),
    Mistake(
        "losses in place of rates",
        "Return the learning rates of the lowest losses, idxmin in place of min.",
        ({"choose": _lowest_loss},),
    ),
)


def run_formula(
    data, batches, checkpoints, *, first=1, keep=True, before=False,
    evaluate_loss=lambda W, b, data, batch: softmax.loss(W, b, *data[:2]),
    evaluate_accuracy=lambda W, b, data, batch: softmax.accuracy(W, b, *data[2:]),
    recorded=lambda iteration, checkpoints: iteration in checkpoints,
):  # fmt: skip
    """Rows (iteration, train_loss, test_accuracy), in an array."""
    W = np.zeros((data.X_train.shape[1], data.Y_train.shape[1]), np.float32)
    b = np.zeros(W.shape[1], np.float32)
    found = []
    for iteration, batch in enumerate(batches, start=first):
        new = sgd_step(W, b, data.X_train[batch], data.Y_train[batch], RATE, 0.0)
        measured = (W, b) if before else new
        if recorded(iteration, checkpoints):
            loss = evaluate_loss(*measured, data, batch)
            found.append((iteration, loss, evaluate_accuracy(*measured, data, batch)))
        W, b = new if keep else (W, b)
    return np.reshape(found, (-1, 3))


def _of_minibatch(W, b, data, batch):
    return softmax.loss(W, b, data.X_train[batch], data.Y_train[batch])


TRAINING_RUN = (
    Mistake(
        "loss evaluated on the test set",
        "The training loss is that of X_train and Y_train. (To tell, the test images of this check "
        "are NaN.)",
        ({"evaluate_loss": lambda W, b, data, batch: np.nan},),
    ),
    Mistake(
        "accuracy evaluated on the training set",
        "The test accuracy is that of X_test and Y_test.",
        ({"evaluate_accuracy": lambda W, b, data, batch: softmax.accuracy(W, b, *data[:2])},),
    ),
    Mistake(
        "loss of the minibatch",
        "The training loss is that of all training examples, X_train and Y_train.",
        ({"evaluate_loss": _of_minibatch}, {"evaluate_loss": _of_minibatch, "before": True}),
    ),
    Mistake(
        "recorded before the update",
        "The row of an iteration is what its update has led to: record after it.",
        ({"before": True},),
    ),
    Mistake(
        "updates counted from 0",
        "The first update is number 1: enumerate(batches, start=1).",
        ({"first": 0},),
    ),
    Mistake(
        "parameters not kept",
        "A step returns the new W and b: W, b = step(W, b, …).",
        ({"keep": False}, {"keep": False, "before": True}),
    ),
    Mistake(
        "a row after every update",
        "Record the iterations that are in `checkpoints`.",
        ({"recorded": lambda iteration, checkpoints: True},),
    ),
    Mistake(
        "the last row only",
        "Record all iterations that are in `checkpoints`: append a row to a list for each.",
        ({"recorded": lambda iteration, checkpoints: iteration == max(checkpoints)},),
    ),
    Mistake(
        "the last row missing",
        "Record all iterations that are in `checkpoints`, the last one too, after its update.",
        ({"recorded": lambda iteration, checkpoints: iteration in checkpoints[:-1]},),
    ),
)
SHUFFLED_DIFFERENTLY = Mistake(
    "X and Y shuffled differently",
    "A step got images with the labels of others: use the same row numbers for both.",
)
OTHER_IMAGES = Mistake(
    "not the training images",
    "A step gets rows of X_train and Y_train, those whose numbers `batches` gives.",
)
NOT_SECONDS = Mistake(
    "not in seconds",
    "time.perf_counter() counts seconds, other clocks milliseconds or less.",
)
START_MINUS_END = Mistake(
    "start minus end",
    "Seconds are negative: the later moment minus the earlier one.",
)
EVALUATION_IN_CLOCK = Mistake(
    "evaluation inside the clock",
    "Seconds count updates alone: stop the clock before loss and accuracy are computed.",
)
RESTARTED = Mistake(
    "clock restarted at each row",
    "Seconds are those of all updates until then: add them up, seconds += ….",
)
NOT_ALL_UPDATES = Mistake(
    "updates outside the clock",
    "Seconds are those of all updates until then, added up.",
)


def rate_formula(learning_rate, batch_size, factor=lambda B: B):
    """The rate for a mean that makes the step of a sum."""
    return learning_rate * factor(batch_size)


EFFECTIVE_RATE = (
    Mistake(
        "B left out", "The sum of B gradients is B times their mean.", ({"factor": lambda B: 1},)
    ),
    Mistake(
        "divided by B",
        "The sum of B gradients is B times their mean, so the step is B times as long.",
        ({"factor": lambda B: 1 / B},),
    ),
)

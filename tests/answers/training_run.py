"""Answers to `checks.training_run`."""

import itertools
import time

import numpy as np
import pandas as pd

from answers.answer import correct, mutant


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


@mutant("training_run", "the last row missing")
def ends_an_update_too_early(data, batches, step, loss, accuracy, checkpoints):
    batches = itertools.islice(batches, max(checkpoints) - 1)
    return rows_of(data, batches, step, loss, accuracy, checkpoints)


@mutant("training_run", "the last row missing")
def recorded_before_the_next_update(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0
    for t, batch in enumerate(batches):
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        seconds += time.perf_counter() - started
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


@mutant("training_run", "a row after every update")
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


@mutant("training_run", "updates counted from 0")
def iterations_from_zero(data, batches, step, loss, accuracy, checkpoints):
    rows = ordinary_loop(data, batches, step, loss, accuracy, {t + 1 for t in checkpoints})
    return [row | {"iteration": row["iteration"] - 1} for row in rows]


@mutant("training_run", "loss of the minibatch")
def loss_of_the_minibatch(data, batches, step, loss, accuracy, checkpoints):
    seen = []

    def remembering_step(W, b, X_batch, Y_batch):
        seen[:] = X_batch, Y_batch
        return step(W, b, X_batch, Y_batch)

    def last_loss(W, b, X, Y):
        return loss(W, b, *seen)

    return ordinary_loop(data, batches, remembering_step, last_loss, accuracy, checkpoints)


@mutant("training_run", "accuracy evaluated on the training set")
def accuracy_on_the_training_set(data, batches, step, loss, accuracy, checkpoints):
    def wrong_accuracy(W, b, X, Y):
        return accuracy(W, b, data.X_train, data.Y_train)

    return ordinary_loop(data, batches, step, loss, wrong_accuracy, checkpoints)


@mutant("training_run", "parameters not kept")
def parameters_never_kept(data, batches, step, loss, accuracy, checkpoints):
    def idle_step(W, b, X_batch, Y_batch):
        step(W, b, X_batch, Y_batch)
        return W, b

    return ordinary_loop(data, batches, idle_step, loss, accuracy, checkpoints)


@mutant("training_run", "the last row only")
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


def rows_of(data, batches, step, loss, accuracy, checkpoints, start=1, restart=False):
    """The right loop, or one that counts from another number, or restarts its clock."""
    W, b = start_of(data)
    rows, seconds = [], 0.0
    for t, batch in enumerate(batches, start=start):
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        seconds += time.perf_counter() - started
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            test_accuracy = accuracy(W, b, data.X_test, data.Y_test)
            rows.append(row_of(t, train_loss, test_accuracy, seconds))
            seconds = 0.0 if restart else seconds
    return rows


@mutant("training_run", "updates counted from 0")
def enumerated_from_zero(data, batches, step, loss, accuracy, checkpoints):
    return rows_of(data, batches, step, loss, accuracy, checkpoints, start=0)


@mutant("training_run", "clock restarted at each row")
def seconds_since_the_last_row(data, batches, step, loss, accuracy, checkpoints):
    return rows_of(data, batches, step, loss, accuracy, checkpoints, restart=True)


@mutant("training_run", "updates outside the clock")
def last_update_only(data, batches, step, loss, accuracy, checkpoints):
    rows = rows_of(data, batches, step, loss, accuracy, checkpoints)
    return [row | {"seconds": row["seconds"] / row["iteration"] / 2} for row in rows]


@mutant("training_run", "recorded before the update")
def recorded_too_early(data, batches, step, loss, accuracy, checkpoints):
    W, b = start_of(data)
    rows, seconds = [], 0.0
    for t, batch in enumerate(batches, start=1):
        if t in checkpoints:
            train_loss = loss(W, b, data.X_train, data.Y_train)
            rows.append(row_of(t, train_loss, accuracy(W, b, data.X_test, data.Y_test), seconds))
        started = time.perf_counter()
        W, b = step(W, b, data.X_train[batch], data.Y_train[batch])
        seconds += time.perf_counter() - started
    return rows

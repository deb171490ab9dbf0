"""The settings of a run of SGD: checked once, in one place, for all engines."""

import contextvars
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.support import arguments
from helpers.support.arrays import read_only

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: the arguments of a function that makes runs are checked before it is called.

    It gets read-only views of the examples in one floating dtype, and Python's own numbers, and
    runs in a context of its own: what an interrupted `np.errstate` in there did not take back ends
    with it.

    Raises
    ------
    ValueError
        An argument that makes no sense; the message says what was given and what was expected.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        context = contextvars.copy_context()
        context.run(_check, bound.arguments)
        return context.run(function, *bound.args, **bound.kwargs)

    return call


def _check(given: dict[str, Any]) -> None:
    training, test = ("X", "Y") if "X" in given else ("X_train", "Y_train"), ("X_test", "Y_test")
    X, Y = _examples(given, *training)
    if any(given.get(name) is not None for name in test):
        X_test, Y_test = _examples(given, *test)
        if (X_test.shape[1], Y_test.shape[1]) != (X.shape[1], Y.shape[1]):
            raise ValueError(
                f"X_test {X_test.shape} and Y_test {Y_test.shape} have other columns than X_train "
                f"{X.shape} and Y_train {Y.shape}, expected the same features and classes"
            )
    given["batch_size"] = arguments.integer(
        "batch_size", given["batch_size"], 1, len(X), "the number of training examples"
    )
    if not callable(given["learning_rate"]):
        given["learning_rate"] = arguments.positive(
            "learning_rate", given["learning_rate"], X.dtype, "or a function of the iteration"
        )
    given["reg_lambda"] = arguments.not_negative("reg_lambda", given["reg_lambda"], X.dtype)
    if not isinstance(given["reduction"], str) or given["reduction"] not in ("mean", "sum"):
        raise ValueError(f"reduction is {given['reduction']!r}, expected one of 'mean', 'sum'")
    for name in given.keys() & {"shuffle", "replace", "fit_bias", "progress"}:
        if not isinstance(given[name], (bool, np.bool_)):
            raise ValueError(f"{name} is {given[name]!r}, expected True or False")
        given[name] = bool(given[name])
    if given["replace"] and not given["shuffle"]:
        raise ValueError(
            "replace is True and shuffle is False, expected shuffle=True: without it nothing is "
            "drawn"
        )
    given["initial"] = start(given["initial"], X, Y)
    given["seed"] = arguments.integer("seed", given["seed"], 0)


def _examples(given: dict[str, Any], name_X: str, name_Y: str) -> tuple[NDArray, NDArray]:
    X, Y = given[name_X], given[name_Y]
    if X is None or Y is None:
        raise ValueError(f"only one of {name_X} and {name_Y} was given, expected both or none")
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or 0 in X.shape + Y.shape:
        raise ValueError(
            f"{name_X} is {X.shape} and {name_Y} {Y.shape}, expected (n, features) and "
            "(n, classes) with n, features and classes at least 1"
        )
    arguments.check_floating(name_X, X)
    arguments.check_one_hot(name_Y, Y)
    dtype = X.dtype.newbyteorder("=")
    X, Y = (read_only(_in_order(array, dtype)) for array in (X, Y))
    given[name_X], given[name_Y] = X, Y
    return X, Y


def _in_order(array: NDArray, dtype: DTypeLike) -> NDArray:
    """Without what some engines do not take: negative strides, gaps, another byte order."""
    # NumPy would make a view even of what is in order, and the view lacks what is derived from it.
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.require(array, dtype, ["C", "ALIGNED"])


def length(num_epochs: int | None, num_iterations: int | None, per_epoch: int) -> int:
    """The number of iterations of a run.

    Raises
    ------
    ValueError
        Not exactly one of the two, or no integer of at least 1.
    """
    if num_epochs is None and num_iterations is not None:
        return arguments.integer("num_iterations", num_iterations, 1)
    if num_epochs is not None and num_iterations is None:
        return arguments.integer("num_epochs", num_epochs, 1) * per_epoch
    raise ValueError(
        f"num_epochs is {num_epochs} and num_iterations is {num_iterations}, expected exactly one "
        "of them"
    )


def checkpoints(given: Iterable[int] | None, last: int, per_epoch: int) -> set[int]:
    """The iterations to evaluate at; the end of every epoch if none are given.

    Raises
    ------
    ValueError
        Anything but iterations from 0 to the last one.
    """
    if given is None:
        return set(range(0, last, per_epoch))
    return arguments.integers("checkpoints", given, 0, last, "iterations")


def start(initial: Any, X: NDArray, Y: NDArray) -> tuple[NDArray, NDArray]:
    """Copies of W and b in the dtype of X; zeros where `initial` is None.

    Raises
    ------
    ValueError
        Anything but two arrays that fit to X and Y.
    """
    if initial is None:
        return np.zeros((X.shape[1], Y.shape[1]), X.dtype), np.zeros(Y.shape[1], X.dtype)
    try:
        W, b = (np.array(parameter, X.dtype) for parameter in initial)
    except (TypeError, ValueError):
        what = repr(initial)
        if hasattr(initial, "__len__"):
            what = f"a {type(initial).__name__} of {len(initial)}"
        raise ValueError(
            f"initial is {what}, expected (W, b): two arrays of numbers, (features, classes) and "
            "(classes,)"
        ) from None
    arguments.check_shapes(W, b, X, Y)
    return W, b


def rates(learning_rate: Any, iterations: range, dtype: DTypeLike) -> NDArray:
    """The learning rates of some iterations, in the precision of `dtype`.

    Parameters
    ----------
    learning_rate : float or function
        If it is a function, each iteration is asked for once.

    Raises
    ------
    ValueError
        One of them is not a positive number.
    """
    if not callable(learning_rate):
        return np.full(len(iterations), learning_rate, dtype)
    values = []
    for iteration in iterations:
        try:
            values.append(learning_rate(iteration))
        except StopIteration:
            raise ValueError(
                f"learning_rate({iteration}) raised StopIteration, expected a positive number for "
                "every iteration"
            ) from None
    if all(map(arguments.is_number, values)):
        with np.errstate(over="ignore", under="ignore"):
            rates = np.array(values, dtype)
        if ((rates > 0) & (rates < np.inf)).all():
            return rates
    return np.array(
        [
            arguments.positive(f"learning_rate({i})", v, dtype)
            for i, v in zip(iterations, values, strict=True)
        ]
    )


def not_finite(W: NDArray, b: NDArray, X_train: NDArray, X_test: NDArray | None) -> ValueError:
    """The error of a run whose loss is not finite before its first update."""
    arrays = {"X_train": X_train, "X_test": X_test, "W of initial": W, "b of initial": b}
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            where = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
            return ValueError(
                f"{name} holds numbers that are not finite: at {where} stands {array[where]}"
            )
    return ValueError(
        f"the loss at the start is not finite in {X_train.dtype}: initial holds numbers up to "
        f"{max(np.abs(W).max(), np.abs(b).max()):g}, X_train up to {np.abs(X_train).max():g}; "
        "expected smaller ones, such as pixels in [0, 1]"
    )

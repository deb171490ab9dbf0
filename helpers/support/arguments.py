"""Arguments, checked before anything is computed: what was given, what was expected, what to do.

Numbers come back as Python's own. NumPy's small integers would wrap (200 epochs of 5 updates are
232 updates in uint8), and frameworks refuse some of NumPy's types.
"""

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.support.arrays import read_only

Choice = TypeVar("Choice", bound=str)
P, R = ParamSpec("P"), TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of the functions that make runs of SGD: their arguments, checked, in one place."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        _check_run(bound.arguments)
        return function(*bound.args, **bound.kwargs)

    return call


def _check_run(given: dict[str, Any]) -> None:
    for names in ("X", "Y"), ("X_train", "Y_train"), ("X_test", "Y_test"):
        data = [given.get(name) for name in names]
        if names[0] in given and (names[0] != "X_test" or any(each is not None for each in data)):
            given |= zip(names, examples(names, *data), strict=True)
    X, Y = (given.get(f"{name}_train", given.get(name)) for name in "XY")
    X_test, Y_test = given.get("X_test"), given.get("Y_test")
    if X_test is not None and (X_test.shape[1], Y_test.shape[1]) != (X.shape[1], Y.shape[1]):
        raise ValueError(
            f"X_test {X_test.shape} and Y_test {Y_test.shape} have other columns than X_train "
            f"{X.shape} and Y_train {Y.shape}, expected the same features and classes"
        )
    given["batch_size"] = integer(
        "batch_size", given["batch_size"], 1, len(X), "the number of training examples"
    )
    if not callable(given["learning_rate"]):
        given["learning_rate"] = positive(
            "learning_rate", given["learning_rate"], X.dtype, "or a function of the iteration"
        )
    given["reg_lambda"] = not_negative("reg_lambda", given["reg_lambda"], X.dtype)
    given["reduction"] = one_of("reduction", given["reduction"], ("mean", "sum"))
    for name in {"shuffle", "replace", "fit_bias", "progress"} & given.keys():
        given[name] = flag(name, given[name])
    if given["replace"] and not given["shuffle"]:
        raise ValueError(
            "replace is True and shuffle is False, expected shuffle=True: without it nothing is "
            "drawn"
        )
    given["initial"] = start(given["initial"], X, Y)
    given["seed"] = integer("seed", given["seed"], 0)
    if "num_epochs" in given:
        lengths = {name: given[name] for name in ("num_epochs", "num_iterations")}
        one = [name for name, count in lengths.items() if count is not None]
        if len(one) != 1:
            raise ValueError(
                f"num_epochs is {lengths['num_epochs']} and num_iterations is "
                f"{lengths['num_iterations']}, expected exactly one of them"
            )
        given[one[0]] = integer(one[0], lengths[one[0]], 1)


def examples(names: tuple[str, str], X: Any, Y: Any) -> tuple[NDArray, NDArray]:
    """X and Y in one floating dtype, row after row in memory, as views that nobody can write to.

    Parameters
    ----------
    names : (str, str)
        Of X and Y, for the messages.
    X : array (n, features)
    Y : array (n, classes), one-hot

    Raises
    ------
    ValueError
        Anything else.
    """
    name_X, name_Y = names
    if X is None or Y is None:
        raise ValueError(f"only one of {name_X} and {name_Y} was given, expected both or none")
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or 0 in X.shape + Y.shape:
        raise ValueError(
            f"{name_X} is {X.shape} and {name_Y} {Y.shape}, expected (n, features) and "
            "(n, classes) with n, features and classes at least 1"
        )
    check_floating(name_X, X)
    if Y.dtype.kind not in "biuf":
        raise ValueError(
            f"{name_Y} holds {Y.dtype} labels, expected one-hot rows of numbers; from labels of "
            "any kind: np.eye(num_classes)[np.unique(labels, return_inverse=True)[1]]"
        )
    one_hot = ((Y == 0) | (Y == 1)).all(axis=1) & (Y.sum(axis=1) == 1)
    if not one_hot.all():
        row = int(one_hot.argmin())
        raise ValueError(
            f"{name_Y} is not one-hot: row {row} is {Y[row]}, expected a single 1 and otherwise 0; "
            "from integer labels: np.eye(num_classes)[labels]"
        )
    dtype = X.dtype.newbyteorder("=")
    # Not all engines take negative strides, gaps or another byte order: now no engine meets them.
    return tuple(read_only(np.require(array, dtype, ["C", "ALIGNED"])) for array in (X, Y))


def check_floating(name: str, X: NDArray) -> None:
    """Raise a ValueError unless the pixels are floating-point numbers."""
    if not np.issubdtype(X.dtype, np.floating):
        raise ValueError(
            f"{name} holds {X.dtype} pixels, expected float32 or float64 in [0, 1]: convert them "
            f"with preprocess_data, or {name}.astype(np.float32) / 255"
        )


def check_shapes(W: NDArray, b: NDArray, X: NDArray, Y: NDArray) -> None:
    """Raise a ValueError that says what was given unless W, b, X and Y fit together."""
    check_floating("X", X)
    fits = (
        X.ndim == Y.ndim == W.ndim == 2
        and len(X) == len(Y) > 0
        and W.shape == (X.shape[1], Y.shape[1])
        and b.shape == (Y.shape[1],)
    )
    if not fits:
        raise ValueError(
            f"X is {X.shape}, Y {Y.shape}, W {W.shape}, b {b.shape}; expected X (n, features), "
            "Y (n, classes), W (features, classes), b (classes,) with n at least 1"
        )


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
        what = (
            f"a {type(initial).__name__} of {len(initial)}"
            if hasattr(initial, "__len__")
            else repr(initial)
        )
        raise ValueError(
            f"initial is {what}, expected (W, b): two arrays of numbers, (features, classes) and "
            "(classes,)"
        ) from None
    check_shapes(W, b, X, Y)
    return W, b


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


def integer(name: str, value: Any, least: int, most: int | None = None, why: str = "") -> int:
    """The value as an int from `least` to `most`.

    Raises
    ------
    ValueError
        Anything else; `why` explains the largest value.
    """
    if _is_integer(value) and least <= value and (most is None or value <= most):
        return int(value)
    of = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise ValueError(f"{name} is {value!r}, expected an integer {of}{why and ', ' + why}")


def integers(name: str, values: Iterable[int], least: int, most: int, what: str) -> set[int]:
    """A set of ints from `least` to `most`.

    Raises
    ------
    ValueError
        What cannot be iterated over, or holds anything else; `what` says what the numbers are.
    """
    expected = f"expected {what} from {least} to {most}"
    try:
        values = list(values)
    except TypeError:
        raise ValueError(f"{name} is {values!r}, {expected}, such as [{most}]") from None
    for value in values:
        if not (_is_integer(value) and least <= value <= most):
            raise ValueError(f"{name} hold {value!r}, {expected}")
    return set(map(int, values))


def positive(name: str, value: Any, dtype: DTypeLike = float, alternative: str = "") -> float:
    """The value as a float that is positive and finite, also in the precision of `dtype`.

    Raises
    ------
    ValueError
        Anything else; `alternative` says what else would do.
    """
    if not (_is_number(value) and 0 < value < math.inf):
        expected = f"expected a positive number{alternative and ' ' + alternative}"
        raise ValueError(f"{name} is {value!r}, {expected}")
    return _representable(name, value, dtype)


def not_negative(name: str, value: Any, dtype: DTypeLike = float) -> float:
    """The value as a float that is 0 or positive, and finite, also in the precision of `dtype`.

    Raises
    ------
    ValueError
        Anything else.
    """
    if not (_is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} is {value!r}, expected a number that is not negative")
    return _representable(name, value, dtype)


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
    if all(map(_is_number, values)):
        with np.errstate(over="ignore", under="ignore"):
            rates = np.array(values, dtype)
        if ((rates > 0) & (rates < np.inf)).all():
            return rates
    return np.array(
        [positive(f"learning_rate({i})", v, dtype) for i, v in zip(iterations, values, strict=True)]
    )


def flag(name: str, value: Any) -> bool:
    """The value as True or False.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ValueError(f"{name} is {value!r}, expected True or False")


def one_of(name: str, value: Any, choices: Iterable[Choice]) -> Choice:
    """The value, if it is one of the choices.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")


def _representable(name: str, value: Any, dtype: DTypeLike) -> float:
    value, dtype = float(value), np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(value)
    if (value and not rounded) or not np.isfinite(rounded):
        raise ValueError(
            f"{name} is {value!r}, which is {rounded} in {dtype}, the precision of X_train: "
            "expected a number that it can hold, or float64 images"
        )
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):  # such as np.where gives for one number
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return isinstance(value, numbers.Real) and not isinstance(value, bool)

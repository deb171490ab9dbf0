"""Arguments, checked before anything is computed: what was given, what was expected, what to do.

Numbers come back as Python's own. NumPy's small integers would wrap (200 epochs of 5 updates are
232 updates in uint8), and frameworks refuse some of NumPy's types.
"""

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def check_floating(name: str, X: NDArray) -> None:
    """Raise a ValueError unless the pixels are floating-point numbers."""
    if not np.issubdtype(X.dtype, np.floating):
        raise ValueError(
            f"{name} holds {X.dtype} pixels, expected float32 or float64 in [0, 1]: convert them "
            f"with preprocess_data, or {name}.astype(np.float32) / 255"
        )


def check_labels(name: str, Y: NDArray) -> None:
    """Raise a ValueError unless the labels are numbers."""
    if Y.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} holds {Y.dtype} labels, expected one-hot rows of numbers; from labels of "
            "any kind: np.eye(num_classes)[np.unique(labels, return_inverse=True)[1]]"
        )


def check_one_hot(name: str, Y: NDArray) -> None:
    """Raise a ValueError unless each row (classes,) of the labels is a single 1 among zeros."""
    check_labels(name, Y)
    one_hot = ((Y == 0) | (Y == 1)).all(axis=1) & (Y.sum(axis=1) == 1)
    if not one_hot.all():
        row = int(one_hot.argmin())
        raise ValueError(
            f"{name} is not one-hot: row {row} is {Y[row]}, expected a single 1 and otherwise 0; "
            "from integer labels: np.eye(num_classes)[labels]"
        )


def check_shapes(W: NDArray, b: NDArray, X: NDArray, Y: NDArray) -> None:
    """Raise a ValueError that says what was given unless W, b, X and Y fit together."""
    check_floating("X", X)
    check_labels("Y", Y)
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


def integer(name: str, value: Any, least: int, most: int | None = None, why: str = "") -> int:
    """The value as an int from `least` to `most`.

    Raises
    ------
    ValueError
        Anything else; `why` explains the largest value.
    """
    if _is_integer(value) and least <= value and (most is None or value <= most):
        return int(value)
    expected = f"an integer {_range(least, most)}{why and ', ' + why}"
    raise ValueError(f"{name} is {value!r}, expected {expected}")


def integers(name: str, values: Iterable[int], least: int, most: int | None, what: str) -> set[int]:
    """A set of ints from `least` to `most`, or without an end.

    Raises
    ------
    ValueError
        What cannot be iterated over, or holds anything else; `what` says what the numbers are.
    """
    expected = f"expected {what} {_range(least, most)}"
    try:
        values = list(values)
    except TypeError:
        raise ValueError(f"{name} is {values!r}, {expected}, such as [{most or 1}]") from None
    for value in values:
        if not (_is_integer(value) and least <= value and (most is None or value <= most)):
            raise ValueError(f"{name} hold {value!r}, {expected}")
    return set(map(int, values))


def positive(name: str, value: Any, dtype: DTypeLike = float, alternative: str = "") -> float:
    """The value as a float that is positive and finite, also in the precision of `dtype`.

    Raises
    ------
    ValueError
        Anything else; `alternative` says what else would do.
    """
    if not (is_number(value) and 0 < value < math.inf):
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
    if not (is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} is {value!r}, expected a number that is not negative")
    return _representable(name, value, dtype)


def rates_by_batch_size(learning_rates):
    """Lists of positive floats in order, without repetition, by positive int.

    Raises
    ------
    ValueError
        Anything else, or nothing at all.
    """
    if not isinstance(learning_rates, Mapping) or not learning_rates:
        raise ValueError(
            f"learning_rates are {learning_rates!r}, expected a dictionary of rates by batch size, "
            "such as {10: [0.01, 0.02]}"
        )
    checked = {}
    for key, rates in learning_rates.items():
        batch_size = integer("a batch size in learning_rates", key, 1)
        if np.ndim(rates) != 1 or not len(rates):
            raise ValueError(f"learning_rates[{key}] is {rates!r}, expected rates, such as [0.01]")
        checked[batch_size] = sorted({positive(f"a rate for B = {key}", rate) for rate in rates})
    return checked


def columns(rows, *names):
    """Raise a ValueError unless a table has rows, and columns with these names."""
    if not len(rows) or not {*names} <= {*rows.columns}:
        raise ValueError(
            f"the table has {len(rows)} rows and the columns {', '.join(map(str, rows.columns))}; "
            f"expected at least one row, and the columns {', '.join(names)}"
        )


def _range(least: int, most: int | None) -> str:
    return f"of at least {least}" if most is None else f"from {least} to {most}"


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


def is_number(value: Any) -> bool:
    """True for one real number, of Python or NumPy."""
    if isinstance(value, np.ndarray):  # such as np.where gives for one number
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return isinstance(value, numbers.Real) and not isinstance(value, bool)

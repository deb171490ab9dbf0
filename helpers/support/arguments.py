"""Arguments, checked before anything is computed: what was given, what was expected, what to do.

Numbers come back as Python's own. NumPy's small integers would wrap (200 epochs of 5 updates are
232 updates in uint8), and frameworks refuse some of NumPy's types.
"""

import math
import numbers

import numpy as np


def integer(name, value, least, most=None, why=""):
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


def integers(name, values, least, most, what):
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


def positive(name, value, dtype=float, alternative=""):
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


def not_negative(name, value, dtype=float):
    """The value as a float that is 0 or positive, and finite, also in the precision of `dtype`.

    Raises
    ------
    ValueError
        Anything else.
    """
    if not (_is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} is {value!r}, expected a number that is not negative")
    return _representable(name, value, dtype)


def flag(name, value):
    """The value as True or False.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ValueError(f"{name} is {value!r}, expected True or False")


def one_of(name, value, choices):
    """The value, if it is one of the choices.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")


def _representable(name, value, dtype):
    value, dtype = float(value), np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(value)
    if (value and not rounded) or not np.isfinite(rounded):
        raise ValueError(
            f"{name} is {value!r}, which is {rounded} in {dtype}, the precision of X_train: "
            "expected a number that it can hold, or float64 images"
        )
    return value


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)

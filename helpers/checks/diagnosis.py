"""Compare what a student's function returns with the tested twin, and say what is wrong."""

import numpy as np

from helpers.checks import mistakes
from helpers.checks.attempts import CheckFailed, call, name_of
from helpers.checks.display import say

NUMBERS = "biufO"  # kinds of dtype that may hold real numbers: no text, no dates, nothing complex


def compare(
    function, arguments, names, twin, cases, table, *, extreme=(), otherwise=None, run=None
):
    """Compare a function with its twin on each case, and explain the first difference.

    Where only an extreme case is wrong, the mistake is `otherwise`.
    """
    run = run or (lambda *case: results(function, case, names))
    for number, case in enumerate([*cases, *extreme]):
        found, expected = run(*case), as_tuple(twin(*case))
        if all(map(agree, found, expected)):
            continue
        if number < len(cases):
            outcomes = [(each, _results_or_none(run, each)) for each in cases]
            mistake = explanation(table, outcomes)
        else:
            mistake = otherwise
        shown = dict(zip(arguments, case, strict=True))
        for name, was, should in zip(names, found, expected, strict=True):
            if not agree(was, should):
                shown |= {f"expected {name}": should, f"got {name}": was}
        fail(function, mistake, shown)


def results(function, case, names):
    """What a student's function returns, as a float array for each name."""
    return arrays(function, called(function, case), names)


def arrays(function, returned, names):
    """What was returned, as a float array for each name."""
    parts = as_tuple(returned) if len(names) > 1 else (returned,)
    if len(parts) != len(names):
        fail(function, None, {"expected": ", ".join(names), "got": f"{len(parts)} results"})
    return tuple(map(array, parts, names))


def called(function, case):
    """What a student's function returns, if anything; its arguments must stay as they were."""
    given = [each.copy() if isinstance(each, np.ndarray) else each for each in case]
    returned = call(function, *given)
    for before, after in zip(case, given, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after):
            fail(function, mistakes.IN_PLACE, {"given": before, "afterwards": after})
    if returned is None:
        nothing_returned(function)
    return returned


def as_tuple(results):
    return tuple(results) if isinstance(results, tuple | list) else (results,)


def explanation(table, outcomes):
    """The first mistake, or None, that gives what was found for all cases."""

    def fits(variant):
        return all(
            results is None or all(map(agree, as_tuple(_quietly(variant, case)), results))
            for case, results in outcomes
        )

    return next((each for each in table if any(map(fits, each.variants))), None)


def agree(found, expected):
    """Whether two arrays are equal up to rounding; a row (1, classes) may stand for (classes,)."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    while found.ndim > expected.ndim and expected.ndim < 2 and len(found) == 1:
        found = found[0]
    return found.shape == expected.shape and np.allclose(
        found, expected, rtol=1e-4, atol=1e-6, equal_nan=True
    )


def array(value, name):
    """A student's result as float64; what only pretends to be a number is none."""
    try:
        found = np.asarray(value)
        if value is None or found.dtype.kind not in NUMBERS:
            raise TypeError
        return found.astype(float)
    except Exception:  # whatever kind of thing it is, and whatever that says when it is asked
        raise CheckFailed(
            f"{name} is a {type(value).__name__}, expected numbers", "not a number"
        ) from None


def fail(function, mistake, shown):
    """Raise CheckFailed with the mistake, if it is known, and what shows it."""
    name = function if isinstance(function, str) else name_of(function)
    width = max(map(len, shown), default=0)
    lines = [
        f"{name}: {mistake.name}. {mistake.advice}" if mistake else f"{name} is not right yet."
    ]
    lines += [f"    {what:{width}}  {_text(value)}" for what, value in shown.items()]
    raise CheckFailed("\n".join(lines), mistake and mistake.name)


def nothing_returned(function):
    name = name_of(function)
    raise CheckFailed(
        f"{name}: nothing returned. Does it `return`, or `yield`?", "nothing returned"
    )


def passed(function):
    say(f"{name_of(function)} is right.")


def _quietly(variant, case):
    with np.errstate(all="ignore"):
        try:
            return variant(*case)
        except ValueError:  # of shapes that do not fit: so it does for who makes the mistake
            return np.nan


def _results_or_none(run, case):
    try:
        return run(*case)
    except CheckFailed:
        return None


def _text(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        text = np.array2string(value, precision=4, separator=", ", suppress_small=True)
        return text.replace("\n", "")
    return f"{value}"[:1000]

"""Compare what a student's function returns with the reference version, and say what is wrong.

An exercise comes with a formula: its twin, written out with keyword arguments for what people get
wrong. A mistake is data, the keyword arguments that make it. So mistakes can be combined, and the
diagnosis is the first one, or the first two, that give what the student got in all cases.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from helpers.checks.attempts import CheckFailed, call, name_of
from helpers.checks.display import say

NUMBERS = "biufO"  # kinds of dtype that may hold real numbers: no text, no dates, nothing complex


@dataclass(frozen=True)
class Mistake:
    """A mistake and what to do about it.

    Attributes
    ----------
    name, advice : str
    changes : tuple of dict
        Keyword arguments of the formula of an exercise, one dictionary for each of the ways in
        which it is made. Empty where a check finds it by other means.
    """

    name: str
    advice: str
    changes: tuple = ()


@dataclass(frozen=True)
class Exercise:
    """A function to be written, and what is known about it.

    Attributes
    ----------
    arguments, results : tuple of str
        What they are called in a message.
    formula : callable
        `formula(*case, **changes)` gives the right results, or those of a mistake.
    cases : sequence of lists
        Arguments, the smallest first, and enough of them to tell the mistakes from each other.
    mistakes : tuple of Mistake
    extremes : sequence of lists
        Arguments that are looked at only where all cases are right: large logits.
    parts : sequence of tuples
        For who makes more mistakes than two: words for what some cases leave out (the penalty, b,
        all rows but one), whether a case does, and the name of the mistake where these are right.
    """

    arguments: tuple
    results: tuple
    formula: Callable
    cases: tuple
    mistakes: tuple
    extremes: tuple = ()
    parts: tuple = ()


IN_PLACE = Mistake(
    "updated in place",
    "What you are given belongs to the caller: make new arrays, A = A - … in place of A -= ….",
)
AS_DICTIONARY = Mistake("dictionary in place of a tuple", "Return the results in their order.")


def compare(function, exercise, run=None):
    """Compare a function with its twin on each case, and explain the first difference."""
    run = run or (lambda *case: results(function, case, exercise.results))
    cases = [*exercise.cases, *exercise.extremes]
    for number, case in enumerate(cases):
        found, expected = run(*case), as_tuple(exercise.formula(*case))
        if all(map(agree, found, expected)):
            continue
        is_extreme = number >= len(exercise.cases)
        looked_at = cases if is_extreme else exercise.cases
        outcomes = [(each, _results_or_none(run, each)) for each in looked_at]
        mistake = explanation(exercise.formula, exercise.mistakes, outcomes)
        if mistake is None and is_extreme:
            mistake = _what_came_out(found, expected)
        elif mistake is None:
            mistake = _explanation_of_a_part(exercise, outcomes)
        shown = dict(zip(exercise.arguments, case, strict=True))
        for name, was, should in zip(exercise.results, found, expected, strict=True):
            if not agree(was, should):
                shown |= difference(name, was, should)
        fail(function, mistake, shown)


def explanation(formula, mistakes, outcomes):
    """The first mistake that gives what was found in all cases, or the first two, or None.

    `outcomes` are pairs of a case and the results in it, None where there were none.
    """
    outcomes = [each for each in reversed(outcomes) if each[1] is not None]  # the largest first
    if not outcomes:
        return None

    def fits(**changes):
        return all(
            all(map(agree, as_tuple(_quietly(formula, case, changes)), results))
            for case, results in outcomes
        )

    made = [(mistake, change) for mistake in mistakes for change in mistake.changes]
    for mistake, change in made:
        if fits(**change):
            return mistake
    # Two mistakes give no shape that neither gives alone: a quick end for what is of another kind.
    case, results = outcomes[0]
    shapes = [_shapes(_quietly(formula, case, change)) for _, change in made]
    if _shapes(results) not in [_shapes(formula(*case)), *shapes]:
        return None
    for (one, change), (other, also) in combinations(made, 2):
        if one is not other and not change.keys() & also.keys() and fits(**change, **also):
            advice = f"Two mistakes at once. {one.advice} And: {other.advice}"
            return Mistake(f"{one.name}; {other.name}", advice)
    return None


def _explanation_of_a_part(exercise, outcomes):
    """A mistake that explains the cases in which something is left out, or that this is right."""
    for words, is_left_out, name in exercise.parts:
        part = [each for each in outcomes if each[1] is not None and is_left_out(*each[0])]
        if not part:
            continue
        if all(all(map(agree, found, as_tuple(exercise.formula(*case)))) for case, found in part):
            return Mistake(name, f"All is well {words}.")
        mistake = explanation(exercise.formula, exercise.mistakes, part)
        if mistake:
            advice = f"{mistake.advice} (This explains what comes out {words}; there is more.)"
            return Mistake(mistake.name, advice)
    return None


def _what_came_out(found, expected):
    """What is wrong with the results of large logits alone, by the look of them."""
    wrong = np.concatenate([np.ravel(each) for each in found if np.size(each)])
    if np.isnan(wrong).any():
        return Mistake(
            "NaN for large logits",
            "An exponential that overflows is inf, the logarithm of 0 is −inf, and inf − inf, "
            "inf/inf and 0 · inf are not a number.",
        )
    if np.isinf(wrong).any():
        return Mistake(
            "infinite for large logits",
            "Somewhere the logarithm of 0 is taken, or a number is divided by 0: a probability can "
            "be rounded to 0.",
        )
    if not wrong.any() and any(np.any(each) for each in expected):
        return Mistake(
            "0 for large logits", "A probability that is rounded to 0 must not take the rest along."
        )
    return Mistake("wrong for large logits", "All is well as long as the logits are small.")


def results(function, case, names):
    """What a student's function returns, as a float array for each name."""
    return arrays(function, called(function, case), names)


def arrays(function, returned, names):
    """What was returned, as a float array for each name."""
    if isinstance(returned, dict) and len(names) > 1:
        shapes = ", ".join(f"{key!r} {np.shape(value)}" for key, value in returned.items())
        shown = {"expected": f"({', '.join(names)})", "got": f"a dictionary with {shapes:.200}"}
        fail(function, AS_DICTIONARY, shown)
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
            fail(function, IN_PLACE, {"given": before, "afterwards": after})
    if returned is None:
        nothing_returned(function)
    return returned


def as_tuple(results):
    return tuple(results) if isinstance(results, tuple | list) else (results,)


def _shapes(results):
    """The shapes of the results, without the lengths 1 that `agree` may overlook."""
    return [np.squeeze(np.asarray(each)).shape for each in as_tuple(results)]


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


def difference(name, found, expected):
    """What shows that a result is wrong: its shape, or the first row that is."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return {
            f"expected {name}": f"of shape {expected.shape}",
            f"got {name}": f"of shape {found.shape}: {_text(found)}",
        }
    if expected.ndim == 2 and expected.size > 20:
        row = [agree(*rows) for rows in zip(found, expected, strict=True)].index(False)
        name, found, expected = f"{name}[{row}]", found[row], expected[row]
    return {f"expected {name}": expected, f"got {name}": found}


def fail(function, mistake, shown):
    """Raise CheckFailed with the mistake, if it is known, and what shows it."""
    name = function if isinstance(function, str) else name_of(function)
    width = max(map(len, shown), default=0)
    head = f"{name}: {mistake.name}. {mistake.advice}" if mistake else f"{name} is not right yet."
    lines = [head, *(f"    {what:{width}}  {_text(value)}" for what, value in shown.items())]
    raise CheckFailed("\n".join(lines), mistake and mistake.name)


def nothing_returned(function, how="return"):
    name = name_of(function)
    raise CheckFailed(f"{name}: nothing returned. Does it `{how}`?", "nothing returned")


def passed(function):
    say(f"{name_of(function)} is right.")


def _quietly(formula, case, changes):
    with np.errstate(all="ignore"):
        try:
            return formula(*case, **changes)
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
        text = np.array2string(
            value, precision=4, separator=", ", suppress_small=True, threshold=40
        )
        return text.replace("\n", "")
    return f"{value}"[:1000]

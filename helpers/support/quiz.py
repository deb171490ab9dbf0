"""Short questions between the exercises: no points, an instant reaction to every answer.

Question and choices stand in the notebook. The reactions stand in `questions`, one file for each
notebook, so that nobody reads the answer before the question.
"""

import math
import numbers

from helpers.support.questions import QUESTIONS


def ask(name, answer=None):
    """React to an answer.

    Parameters
    ----------
    name : str
        Of the question, in `questions`.
    answer : str or number, optional
        A letter where there are choices, a number where one is asked for; None as long as it is
        unanswered.

    Raises
    ------
    ValueError
        There is no such question.
    """
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}, expected one of {sorted(QUESTIONS)}")
    question = QUESTIONS[name]
    if answer is None or answer is ...:
        print(f"Not answered yet: put {_expected(question)} in the place of None.")
        return
    is_right, reaction = _reaction(question, answer)
    print(f"{'✓ Right.' if is_right else '✗ Not quite.'} {reaction}")


def _expected(question):
    if question.choices:
        *others, last = (f'"{letter}"' for letter in sorted(question.choices))
        return f"{', '.join(others)} or {last}"
    return "a number"


def _reaction(question, answer):
    """Whether an answer is right, and what to say to it."""
    if question.choices:
        letter = str(answer).strip().lower()
        unknown = f"There is no choice {answer!r:.40}: take {_expected(question)}."
        return letter == question.right, question.choices.get(letter, unknown)
    if not isinstance(answer, numbers.Real) or not math.isfinite(answer):
        return False, f"{answer!r:.40} is no number."
    for value, reaction in question.numbers.items():
        if math.isclose(answer, value, rel_tol=question.within):
            return value == question.right, reaction
    return False, question.otherwise

"""What a short question is made of."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """The answer and the reactions to a question that asks for a choice or for a number.

    Attributes
    ----------
    right : str or float
        The letter of the right choice, or the right number.
    choices : dict
        What to say to each choice, by its letter ("a", "b", …). Empty where a number is asked for.
    numbers : dict
        What to say to the right number and to those that a known mistake gives.
    otherwise : str
        What to say to any other number.
    within : float
        How far from a number an answer may be, relative to it.
    """

    right: str | float
    choices: dict = field(default_factory=dict)
    numbers: dict = field(default_factory=dict)
    otherwise: str = ""
    within: float = 0.01

"""Answers to `checks.effective_rate`."""

import numpy as np

from answers.answer import CORRECT, MUTANTS, Answer


def _number(value, *mistakes):
    return Answer("effective_rate", str(value), mistakes, lambda: value)


MUTANTS += [
    _number(0.005, "B left out"),
    _number(np.float32(0.005), "B left out"),
    _number(5e-6, "divided by B"),
    _number(0.005 / 1000, "divided by B"),
    _number(1),
    _number(0),
    _number(-5),
    _number(float("nan")),
    _number("five"),
]
CORRECT += [
    _number(5),
    _number(0.005 * 1000),
    _number(np.float64(5)),
    _number(np.float32(0.005) * 1000),
]

"""What an answer is, and how the modules beside this one register theirs."""

from collections.abc import Callable
from typing import NamedTuple

from helpers.support.frameworks import tensorflow_import, torch_import

MUTANTS, CORRECT = [], []


class Answer(NamedTuple):
    """What a student hands in for `checks.<check>`.

    `mistakes` are the diagnoses that fit: one where the mistake can be told from all others, none
    where any refusal will do. `make()` gives the function (or the number). `warns` says whether a
    right answer is advised against float64; None if either is fine.
    """

    check: str
    name: str
    mistakes: tuple[str, ...]
    make: Callable
    warns: bool | None = False

    def __str__(self):
        return f"{self.check}-{self.name}"


def mutant(check, *mistakes):
    """Register a wrong answer."""

    def register(function):
        MUTANTS.append(Answer(check, function.__name__, mistakes, _maker(check, function)))
        return function

    return register


def correct(check, warns=False):
    """Register a right answer."""

    def register(function):
        CORRECT.append(Answer(check, function.__name__, (), _maker(check, function), warns))
        return function

    return register


def _maker(check, function):
    """Steps in TensorFlow are made by functions of `tf`, so that it is imported when needed."""
    if check == "tensorflow_step":
        return lambda: function(tensorflow())
    return lambda: function


def tensorflow():
    with tensorflow_import():
        import tensorflow as tf
    return tf


def torch():
    with torch_import():
        import torch
    return torch

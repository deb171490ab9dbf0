"""Answers as students write them: wrong ones with the name of their mistake, and right ones.

One module for each exercise; the name of a function says what is special about it. `MUTANTS` and
`CORRECT` are lists of `Answer`, filled by the decorators `mutant` and `correct`.
"""

from answers import (  # noqa: F401, each registers its own
    best_rates,
    effective_rate,
    gradient,
    loss,
    minibatches,
    preprocess_data,
    sgd_step,
    softmax,
    tensorflow_step,
    training_run,
)
from answers.answer import CORRECT, MUTANTS, Answer

__all__ = ["CORRECT", "MUTANTS", "Answer"]

"""What a student is told about each exercise: one green line, or the name of the mistake.

A check calls the student's function on small inputs, the smallest first, and compares what it
returns with the reference version. Where they differ, it names the mistake that explains all
results (of those in `mistakes`, one module for each notebook), and shows the first of them.

Every check prints one line if the exercise is right, and raises `CheckFailed` if it is not, or not
attempted. In a notebook only the message of that is shown.
"""

from helpers.checks.attempts import CheckFailed, not_attempted
from helpers.checks.batch_size_study import best_rates, effective_rate, training_run
from helpers.checks.data_preparation import preprocess_data
from helpers.checks.hand_coded_sgd import gradient, loss, minibatches, sgd_step, softmax
from helpers.checks.stand_ins import if_right
from helpers.checks.tensorflow_comparison import tensorflow_step
from helpers.checks.training_choices import choices, choices_points

__all__ = [
    "CheckFailed",
    "best_rates",
    "choices",
    "choices_points",
    "effective_rate",
    "gradient",
    "if_right",
    "loss",
    "minibatches",
    "not_attempted",
    "preprocess_data",
    "sgd_step",
    "softmax",
    "tensorflow_step",
    "training_run",
]

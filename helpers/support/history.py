"""What a run of SGD leaves behind: plain records."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class History:
    """What a run of `train_classifier` left behind. Arrays have a row for each checkpoint.

    Attributes
    ----------
    W, b : arrays (features, classes) and (classes,)
        The parameters at the last checkpoint.
    iteration : int array
        Updates made when the checkpoint was taken; the first is 0.
    train_loss : float array
        Mean cross-entropy of the whole training set + (λ/2)‖W‖².
    test_loss, test_accuracy : float arrays or None
        Mean cross-entropy without penalty, and fraction; None without a test set.
    seconds : float array
        Time spent in updates until then; evaluation is outside the clock.
    minibatch_loss : float array (updates,)
        Mean cross-entropy of each minibatch without penalty, before its update.
    W_checkpoints, b_checkpoints : arrays (checkpoints, features, classes), (checkpoints, classes)
        The parameters at each checkpoint.
    stopped : "", "diverged" or "interrupted"
        "" for a run that reached its end.
    message : str
        For people: the same as a sentence, with iteration, learning rate and batch size.
    """

    W: NDArray
    b: NDArray
    iteration: NDArray
    train_loss: NDArray
    test_loss: NDArray | None
    test_accuracy: NDArray | None
    seconds: NDArray
    minibatch_loss: NDArray
    W_checkpoints: NDArray
    b_checkpoints: NDArray
    stopped: Literal["", "diverged", "interrupted"]
    message: str

    @classmethod
    def of(
        cls,
        taken: "list[Checkpoint]",
        reached: "Stretch",
        minibatch_loss: NDArray,
        stopped: Literal["", "diverged", "interrupted"],
        batch_size: int,
    ) -> "History":
        """The history of a run that took these checkpoints, at least one."""
        last, columns = taken[-1], Checkpoint._make(zip(*taken, strict=True))
        made = reached.iteration if stopped == "diverged" else last.iteration
        at = f"(learning rate {reached.learning_rate:g}, batch size {batch_size})"
        message = {
            "": "",
            "diverged": f"SGD diverged at iteration {made}: a loss or a weight is not finite {at}",
            "interrupted": f"SGD was interrupted at iteration {made} {at}",
        }[stopped]
        return cls(
            W=last.W.copy(),
            b=last.b.copy(),
            iteration=np.array(columns.iteration),
            train_loss=np.array(columns.train_loss, float),
            test_loss=None if last.test_loss is None else np.array(columns.test_loss, float),
            test_accuracy=None if last.test_accuracy is None else np.array(columns.test_accuracy),
            seconds=np.array(columns.seconds),
            minibatch_loss=minibatch_loss[:made],
            W_checkpoints=np.array(columns.W),
            b_checkpoints=np.array(columns.b),
            stopped=stopped,
            message=message,
        )


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C, or ■ in a notebook, ended a training; `.history` holds what was reached."""

    def __init__(self, history: History):
        super().__init__(history)
        self.history = history

    def __str__(self) -> str:
        return self.history.message

    def _render_traceback_(self) -> list[str]:  # all that a notebook shows
        return [f"{self}. What was reached: import sys; history = sys.last_value.history"]


class Stretch(NamedTuple):
    """Some updates in one go, and what they reached."""

    iteration: int  # updates made since the start of the run
    W: NDArray
    b: NDArray
    seconds: float  # spent in updates since the start of the run
    minibatch_loss: NDArray  # of the updates of this stretch
    learning_rate: float  # of the last of them


class Checkpoint(NamedTuple):
    """What is known of the parameters at one iteration."""

    iteration: int
    W: NDArray
    b: NDArray
    seconds: float
    train_loss: float
    test_loss: float | None
    test_accuracy: float | None

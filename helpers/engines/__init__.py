"""Engines of `helpers.sgd.train_classifier`: different ways to make the same updates.

Each is a module with one function

    prepare(X, Y, *, batch_size, reg_lambda, reduction, fit_bias) -> advance

whose result makes one update for each learning rate it is given:

    advance(W, b, rows, learning_rates) -> W, b, minibatch_loss

`rows` are the rows of X to visit, in order, `batch_size` for each update; only the last minibatch
may be shorter. The arguments are left as they are, and W and b keep their dtype. A minibatch loss
is the mean cross-entropy without penalty before the update, also with `reduction="sum"`; where it
is not finite the engine may stop: that loss is then the last one it returns. What is done once,
such as compiling, belongs in `prepare`, outside the clock. `numpy_engine` is the model.

For evaluations, an engine may have a `logits` that is faster than that of `helpers.softmax`; one
that can use a GPU has a `DEVICE`.
"""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from helpers import softmax

Engine = Literal["numpy", "numba", "torch", "tensorflow"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Advance = Callable[
    [NDArray, NDArray, NDArray, NDArray], tuple[NDArray, NDArray, Sequence[float] | NDArray]
]


def prepare(name: Engine, X: NDArray, Y: NDArray, **settings: Any) -> Advance:
    """The `advance` of an engine for these examples and settings.

    Raises
    ------
    ValueError
        A name that is not in `ENGINES`, or a precision that the engine does not have.
    ModuleNotFoundError
        The package of the engine is not installed.
    """
    engine = _load(name)
    if name != "numpy" and X.dtype not in (np.float32, np.float64):
        raise ValueError(f"X_train is {X.dtype}, the engine {name!r} takes float32 and float64")
    return engine.prepare(X, Y, **settings)


def load_logits(name: Engine) -> Callable[[NDArray, NDArray, NDArray], NDArray]:
    """What evaluates the runs of an engine: its own `logits`, or that of `helpers.softmax`.

    Raises
    ------
    ValueError
        A name that is not in `ENGINES`.
    ModuleNotFoundError
        The package of the engine is not installed.
    """
    return getattr(_load(name), "logits", softmax.logits)


def engine_device(name: Engine) -> Literal["CPU", "GPU"]:
    """Where an engine of `ENGINES` makes its updates."""
    return getattr(_load(name), "DEVICE", "CPU")


def _load(name: Engine) -> ModuleType:
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}, expected one of {', '.join(map(repr, ENGINES))}")
    try:
        return importlib.import_module(f"helpers.engines.{name}_engine")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("helpers"):
            raise
        raise ModuleNotFoundError(
            f"engine {name!r} needs the package {error.name}, which is not installed here: "
            f"pip install {error.name}, or use engine='numpy'",
            name=error.name,
        ) from None

"""Stand-ins for a student's functions: called here, computed in the sandbox.

The checks of `helpers` and the hidden tests run in the grader's own process, unchanged, on a
stand-in. What it is called with is sent to the sandbox, and what comes back is made anew from plain
numbers and arrays, so that no object of the student's ever gets here.
"""

import json

import numpy as np

from grading.running import wire
from grading.running.sandbox import Ended
from helpers.checks import CheckFailed
from helpers.checks.mistakes.tensorflow_comparison import ERRORS, OTHER_GRAPH, RECREATED
from helpers.data import MNIST

# Of a message that comes from the student's side.
CHARACTERS = 2000
# Mistakes that are found where the student's function runs; any other name from there is not one.
MISTAKES = {
    "not attempted", "not a function", "did not finish", "raised", "cannot be called",
    "asks for input", "too large", "not a number", "calls what was stopped",
    *(mistake.name for mistake in (OTHER_GRAPH, RECREATED, *ERRORS.values())),
}  # fmt: skip


class StandIn:
    """A student's function, as far as a check can tell.

    Parameters
    ----------
    name : str
        Of the function in the notebook.
    exchange : callable
        Sends a header and arrays to the kernel that has the function, and returns those of the
        answer; without arguments it waits for the next ones. It raises
        `grading.running.sandbox.Ended` with the reason where there is no kernel any more.
    seconds : float
        That a call may take.
    """

    def __init__(self, name, exchange, seconds):
        self.__name__ = name
        self._exchange, self._seconds = exchange, seconds

    def __call__(self, *arguments):
        return self._call(arguments)

    def on_arrays(self, *arguments):
        """The step in TensorFlow on arrays, made over there: here TensorFlow is not needed."""
        return self._call(arguments, on_arrays=True)

    def _call(self, arguments, on_arrays=False):
        given = _Given()
        tree, arrays = wire.encode(list(arguments), given.special)
        header = {
            "name": self.__name__,
            "arguments": tree,
            "on_arrays": on_arrays,
            "seconds": self._seconds,
        }
        try:
            reply, arrays = self._exchange(header, arrays)
            while "callback" in reply:
                reply, arrays = self._exchange(*given.answer(reply, arrays))
            if "result" not in reply:
                raise failure(self.__name__, reply)
            result, *changes = wire.decode(reply["result"], arrays)
            given.write_back(arguments, *changes)
            return result
        except Ended as ended:
            raise CheckFailed(f"{self.__name__} {in_words(ended)}.", str(ended)) from None
        except CheckFailed:
            raise
        except Exception as error:  # whatever it is that is wrong with what came back
            message = f"{self.__name__}: what it returns cannot be used: {error!r:.200}"
            raise CheckFailed(message, "not a number") from None


def failure(name, reply):
    """The CheckFailed for an answer that is no result."""
    if reply.get("missing"):
        return CheckFailed(f"{name} is not defined when its cell has run.", "not defined")
    try:
        message, mistake = map(str, reply["failed"])
    except (KeyError, TypeError, ValueError):
        return CheckFailed(f"{name} could not be called.", "raised")
    return CheckFailed(message[:CHARACTERS], mistake if mistake in MISTAKES else "raised")


def in_words(reason):
    """What ended a sandbox, as the end of a sentence."""
    return {
        "did not finish": "did not finish and was stopped",
        "too much memory": "used up the memory and was stopped",
        "too many processes": "started too many processes and was stopped",
        "ended the kernel": "ended the kernel, as exit() or a crash does",
        "sent nonsense": "answered in a way that cannot be understood",
    }.get(str(reason), f"was stopped: {reason}")


class _Given:
    """What is more than numbers among the arguments of a call."""

    def __init__(self):
        self.functions, self.generators, self.data_sets = [], [], []

    def special(self, value, encode):
        if isinstance(value, MNIST):
            return {"mnist": [encode(each) for each in value]}
        if isinstance(value, np.random.Generator):
            self.generators.append(value)
            return {"generator": json.dumps(value.bit_generator.state)}
        if hasattr(value, "data") and hasattr(value, "targets"):
            self.data_sets.append(value)
            return {"data set": [encode(np.asarray(each)) for each in (value.data, value.targets)]}
        if callable(value) and not isinstance(value, type):
            self.functions.append(value)
            return {"function": len(self.functions) - 1}
        return None

    def answer(self, request, arrays):
        """Header and arrays that answer a call of one of the functions."""
        arguments, named = wire.decode(request["arguments"], arrays)
        try:
            function = self.functions[request["callback"]]
            tree, arrays = wire.encode(function(*arguments, **named))
        except Exception:  # of arguments that do not fit: over there it is an error as well
            return {"error": True}, []
        return {"result": tree}, arrays

    def write_back(self, arguments, changed, states, contents):
        """Do to what was given here what the student's function did over there."""
        for value, after in zip(arguments, changed, strict=True):
            if after is not None and isinstance(value, np.ndarray):
                value[...] = after
        for generator, state in zip(self.generators, states, strict=True):
            generator.bit_generator.state = json.loads(state)
        for data_set, (images, labels) in zip(self.data_sets, contents, strict=True):
            for name, after in ("data", images), ("targets", labels):
                before = getattr(data_set, name)
                if not np.array_equal(np.asarray(before), after):
                    setattr(data_set, name, _like(before, after))


def _like(before, after):
    """An array as a tensor, where there was one."""
    if isinstance(before, np.ndarray):
        return after
    import torch

    return torch.as_tensor(after)

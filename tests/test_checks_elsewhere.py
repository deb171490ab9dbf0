"""Checks of functions that run in another process: the same verdict, and the same mistake."""

import multiprocessing

import numpy as np
import pytest
from answers import CORRECT, MUTANTS
from test_checks import ARGUMENTS, verdict, verdict_on

from helpers.checks import attempts
from helpers.checks.attempts import CheckFailed, call
from helpers.checks.tensorflow_comparison import on_arrays

CALLBACK = "a function over there"


def serve(connection):
    """Call answers by their names, as a grader's worker would call a student's functions."""
    functions, adapted = {}, {}
    answers = {str(answer): answer for answer in MUTANTS + CORRECT}

    def remote(number):
        def callback(*arguments, **named):
            connection.send(("callback", number, arguments, named))
            while not connection.poll():  # awake, so that this process's own clock goes on too
                pass
            return connection.recv()

        return callback

    connection.send("ready")
    while True:
        key, way, arguments = connection.recv()
        function = functions.setdefault(key, answers[key].make())
        given = [remote(k) if each is CALLBACK or isinstance(each, str) else each
                 for k, each in enumerate(arguments)]  # fmt: skip
        try:
            if way == "on arrays":
                run = adapted.setdefault(key, on_arrays(function))
                W, b, returned = run(*given)
                result = W, b, None if returned is None else np.asarray(returned)
            else:
                result = call(function, *given, listed=way == "listed")
            kept = [None if callable(each) else each for each in given]
            reply = "result", result, kept
        except CheckFailed as error:
            reply = "failed", error
        connection.send(reply)


class Elsewhere:
    """A stand-in for an answer."""

    def __init__(self, answer, connection):
        self.__name__, self.key, self.connection = answer.name, str(answer), connection
        self.way = "listed" if answer.check == "minibatches" else "called"

    def __call__(self, *arguments):
        return self.exchange(self.way, arguments)

    def on_arrays(self, *arguments):
        return self.exchange("on arrays", arguments)

    def exchange(self, way, arguments):
        sent = [CALLBACK if callable(each) else each for each in arguments]
        self.connection.send((self.key, way, sent))
        while (reply := self.connection.recv())[0] == "callback":
            _, number, given, named = reply
            self.connection.send(arguments[number](*given, **named))
        if reply[0] == "failed":
            raise reply[1]
        _, result, changed = reply
        for before, after in zip(arguments, changed, strict=True):
            if isinstance(before, np.ndarray):
                before[...] = after
            elif hasattr(before, "targets"):
                before.data, before.targets = after.data, after.targets
        return result


@pytest.fixture(scope="module")
def worker():
    """A connection to another process, started anew: nothing is shared with it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()  # if the process dies, what waits for it is told
    assert here.recv() == "ready"
    yield here
    process.kill()
    process.join()


MARKS = {"loss": (), "training_run": (pytest.mark.thorough, pytest.mark.timed)}  # it reads a clock


@pytest.mark.slow
@pytest.mark.parametrize(
    "check", [pytest.param(c, marks=MARKS.get(c, pytest.mark.thorough)) for c in ARGUMENTS]
)
def test_a_stand_in_gets_the_same_verdict_and_the_same_mistake(check, worker, monkeypatch):
    monkeypatch.setattr(attempts, "SECONDS", 120)  # over there it stays as it is
    for answer in MUTANTS + CORRECT:
        if answer.check == check:
            found, expected = verdict(check, Elsewhere(answer, worker)), verdict_on(answer)
            assert found[:2] == expected[:2], f"{answer}: {found.message}"

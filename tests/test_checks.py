"""What students are told: every mistake by its name, and nothing against what is right.

The answers of students are in `answers`. How each of them was diagnosed is printed as one
confusion matrix for every check.
"""

import contextlib
import functools
import importlib
import io
import itertools
import pkgutil
import re
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
from answers import CORRECT, MUTANTS
from answers.gradient import by_matrices
from answers.sgd_step import weight_decay_without_learning_rate
from answers.softmax import right_softmax
from nbclient import NotebookClient

from grading import hidden_tests
from helpers import checks
from helpers.checks import mistakes, training_choices
from helpers.checks.diagnosis import Mistake

ROOT = Path(__file__).parent.parent
GREEN = re.compile(r"\x1b\[(\d+;)*[39]2m")
YELLOW = re.compile(r"\x1b\[(\d+;)*[39]3m")
ESCAPE = re.compile(r"\x1b\[[\d;]*m")

# Student functions and their number of arguments.
ARGUMENTS = {
    "preprocess_data": 1,
    "softmax": 1,
    "loss": 5,
    "gradient": 5,
    "minibatches": 3,
    "sgd_step": 6,
    "best_rates": 1,
    "training_run": 6,
    "tensorflow_step": 6,
}
CHECKS = [*ARGUMENTS, "effective_rate"]

# Mistakes in what a function does: there is no number to show, or none was expected. Of a random
# order there is no right one, and the effective rate is for the student to find.
WITHOUT_NUMBERS = {
    "raised",
    "asks for input",
    "nothing returned",
    "X and Y shuffled differently",
    "not the training images",
}
OF_SECONDS = {
    "clock restarted at each row",
    "updates outside the clock",
    "evaluation inside the clock",
    "not in seconds",
    "start minus end",
}
WITHOUT_EXPECTATION = {
    *WITHOUT_NUMBERS,
    *OF_SECONDS,
    "images reordered against labels",
    "updated in place",
    "variables recreated",
    "variables not updated",
    "no reshuffling",
    "same permutation every epoch",
    "sampling with replacement",
    "last minibatch dropped",
    "B left out",
    "divided by B",
}

GOOD_CHOICES = {
    1: dict(learning_rate=0.002, num_iterations=900_000),
    10: dict(learning_rate=0.032, num_iterations=78_000),
    100: dict(learning_rate=0.256, num_iterations=7_800),
    1000: dict(learning_rate=1.024, num_iterations=1_680),
}


def marked(cases):
    """The same: slow what starts a framework or waits, timed what is judged by its seconds."""
    marks = {"tensorflow_step": pytest.mark.slow, "preprocess_data": pytest.mark.slow}
    timed = pytest.mark.slow, pytest.mark.timed

    def marks_of(case):
        check, mistakes = getattr(case, "check", case), getattr(case, "mistakes", ())
        if check == "training_run":
            return timed if not mistakes or OF_SECONDS & {*mistakes} else pytest.mark.slow
        return marks.get(check, ())

    return [pytest.param(case, marks=marks_of(case)) for case in cases]


over_functions = pytest.mark.parametrize("check", marked(ARGUMENTS))


class Verdict(NamedTuple):
    accepted: bool
    mistake: str | None
    message: str
    printed: str
    warnings: list


def verdict(check, answer):
    """What `checks.<check>` says of an answer."""
    accepted, mistake, message = True, None, ""
    with (
        contextlib.redirect_stdout(io.StringIO()) as printed,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        # Of libraries, such as TensorFlow's under Python 3.13: no notebook shows them.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            assert getattr(checks, check)(answer) is None
        except checks.CheckFailed as error:
            accepted, mistake, message = False, error.mistake, str(error)
    return Verdict(accepted, mistake, message, printed.getvalue(), caught)


@functools.cache
def verdict_on(answer):
    return verdict(answer.check, answer.make())


def written(body, check, signature=None):
    """The function that a student wrote: its body is given as text, its source cannot be read."""
    arguments = ", ".join("abcdef"[: ARGUMENTS[check]]) if signature is None else signature
    scope = {"np": np, "checks": checks}
    exec(f"def my_function({arguments}):\n    {body}\n", scope)
    return scope["my_function"]


def right_answer(check):
    return next(answer for answer in CORRECT if answer.check == check).make()


# Mistakes and right answers


@pytest.mark.parametrize("answer", marked([a for a in MUTANTS if a.mistakes]), ids=str)
def test_a_mistake_is_named(answer):
    found = verdict_on(answer)
    assert not found.accepted, f"accepted, expected {' or '.join(answer.mistakes)}"
    assert found.mistake in answer.mistakes, found.message
    if found.mistake not in ("raised", "asks for input"):
        assert found.mistake in found.message
    if found.mistake not in WITHOUT_NUMBERS and " raised " not in found.message:
        assert re.search(r"\d", found.message), found.message
    if found.mistake not in WITHOUT_EXPECTATION and " raised " not in found.message:
        assert "expected" in found.message.lower(), found.message


@pytest.mark.parametrize("answer", marked([a for a in MUTANTS if not a.mistakes]), ids=str)
def test_what_is_wrong_in_another_way_is_refused(answer):
    found = verdict_on(answer)
    assert not found.accepted
    assert found.message.strip() and not found.printed


def test_what_fits_at_one_learning_rate_only_is_no_diagnosis():
    # At a learning rate of 1/2, λW without a learning rate is what 2λ would give with it.
    found = verdict("sgd_step", weight_decay_without_learning_rate)
    assert not found.accepted and found.mistake != "2λ in place of λ"


@pytest.mark.parametrize("answer", marked(CORRECT), ids=str)
def test_what_is_right_is_accepted_in_one_green_line(answer):
    found = verdict_on(answer)
    assert found.accepted, found.message
    line, *advice = found.printed.splitlines()
    assert GREEN.search(line), repr(line)
    assert len(advice) <= 1 and not found.warnings
    name = getattr(answer.make(), "__name__", answer.check)
    assert answer.check in line or name in line, line


@pytest.mark.parametrize("answer", marked([a for a in CORRECT if a.warns is not None]), ids=str)
def test_only_float64_copies_get_a_line_of_advice(answer):
    advice = verdict_on(answer).printed.splitlines()[1:]
    if answer.warns:
        assert "float64" in advice[0] and YELLOW.search(advice[0])
    else:
        assert not advice


@pytest.mark.parametrize("check", marked(CHECKS))
def test_confusion_matrix_is_diagonal(check, record_property):
    matrix = confusion(check)
    record_property("shown", table(check, matrix))
    assert {made for made, found in matrix if made != found and made != ANOTHER} == set()
    assert (ANOTHER, RIGHT) not in matrix


def test_every_exercise_and_every_mistake_has_an_answer():
    others = {"CheckFailed", "choices", "choices_points", "if_right", "not_attempted"}
    assert set(CHECKS) == set(checks.__all__) - others
    modules = [
        importlib.import_module(f"{mistakes.__name__}.{module.name}")
        for module in pkgutil.iter_modules(mistakes.__path__)
    ]
    values = [value for module in modules for value in vars(module).values()]
    known = {
        each.name
        for value in values
        for each in (value if isinstance(value, tuple) else [value])
        if isinstance(each, Mistake)
    }
    made = {name for answer in MUTANTS for names in answer.mistakes for name in names.split("; ")}
    assert len(known) > 50 and known - made == set()


@pytest.mark.slow
def test_most_mistakes_have_a_name(record_property):
    found = [verdict_on(answer) for answer in MUTANTS]
    named = sum(each.mistake is not None for each in found)
    accepted = sum(each.accepted for each in found)
    refused = sum(not verdict_on(answer).accepted for answer in CORRECT)
    record_property(
        "shown",
        f"{len(found)} wrong answers: {named / len(found):.0%} named, {accepted} accepted; "
        f"{len(CORRECT)} right ones: {refused} refused",
    )
    assert named >= 0.85 * len(found)


# Hidden tests, and stand-ins


@pytest.mark.parametrize("answer", marked(CORRECT), ids=str)
def test_no_right_answer_fails_the_hidden_tests(answer):
    getattr(hidden_tests, answer.check)(answer.make())


@pytest.mark.parametrize("answer", marked(MUTANTS), ids=str)
def test_no_wrong_answer_passes_the_hidden_tests(answer):
    with pytest.raises(Exception):  # noqa: B017 - whatever the comparison trips over
        getattr(hidden_tests, answer.check)(answer.make())


RIGHT, ANOTHER, UNNAMED = "right", "wrong in another way", "refused without a name"


def confusion(check):
    """How many answers there are for each (what was done, what the check took it for)."""
    counts = Counter()
    for answer in MUTANTS + CORRECT:
        if answer.check == check:
            found = verdict_on(answer)
            took = RIGHT if found.accepted else found.mistake or UNNAMED
            made = answer.mistakes[0] if answer.mistakes else ANOTHER
            if answer in CORRECT:
                made = RIGHT
            # Where several diagnoses fit, the one that was given is what was done.
            counts[took if took in answer.mistakes else made, took] += 1
    return counts


def table(check, matrix):
    rows = list(dict.fromkeys(made for made, _ in matrix))
    rows = [RIGHT, *(row for row in rows if row not in (RIGHT, ANOTHER)), ANOTHER]
    columns = [row for row in rows if row != ANOTHER]
    columns += [*sorted({took for _, took in matrix} - {*columns, UNNAMED}), UNNAMED]
    legend = list(dict.fromkeys([*columns, *rows]))
    lines = [f"{check}: done (rows) and diagnosed (columns)"]
    lines.append(" " * 45 + "".join(f"{legend.index(column) + 1:4d}" for column in columns))
    for name in legend:
        counts = "".join(f"{matrix[name, column] or '·':>4}" for column in columns)
        label = f"{legend.index(name) + 1:4d}  {name}"
        lines.append(f"{label:45}{counts if name in rows else ''}".rstrip())
    return "\n".join(lines) + "\n"


# Not attempted

STUBS = {
    "pass": "pass",
    "ellipsis": "...",
    "docstring": '"""Class probabilities."""',
    "docstring and pass": '"""Class probabilities."""\n    pass',
    "docstring and ellipsis": '"""Class probabilities."""\n    ...',
    "NotImplementedError": "raise NotImplementedError",
    "NotImplementedError with a message": 'raise NotImplementedError("write me")',
    "not_attempted": "# Write your code here.\n    checks.not_attempted()",
    "docstring and not_attempted": '"""Probabilities."""\n    checks.not_attempted()',
}


def assert_not_attempted(found):
    assert found.mistake == "not attempted", found.message
    assert "not attempted" in found.message and len(found.message.strip().splitlines()) == 1
    assert not found.printed and not found.warnings


@over_functions
@pytest.mark.parametrize("body", STUBS.values(), ids=STUBS)
def test_a_stub_is_not_attempted(check, body):
    assert_not_attempted(verdict(check, written(body, check)))


@over_functions
def test_a_stub_whose_source_can_be_read_is_not_attempted(check):
    def only_a_docstring(*arguments):
        """Everything is still to do."""

    def only_an_ellipsis(*arguments): ...

    for stub in only_a_docstring, only_an_ellipsis:
        assert_not_attempted(verdict(check, stub))


def test_a_generator_that_was_not_written_is_not_attempted():
    assert_not_attempted(
        verdict("minibatches", written("checks.not_attempted()\n    yield", "minibatches"))
    )


@pytest.mark.parametrize("answer", [None, ...])
def test_a_number_not_given_is_not_attempted(answer):
    assert_not_attempted(verdict("effective_rate", answer))


@pytest.mark.parametrize("value", [None, ..., dict(learning_rate=None, num_iterations=None)])
def test_choices_not_filled_in_are_not_attempted(value):
    assert_not_attempted(verdict("choices", {}))
    assert_not_attempted(verdict("choices", dict.fromkeys(GOOD_CHOICES, value)))


def test_choices_of_ellipses_are_not_attempted():
    value = dict(learning_rate=..., num_iterations=...)
    assert_not_attempted(verdict("choices", dict.fromkeys(GOOD_CHOICES, value)))


def test_not_attempted_can_be_said_by_hand():
    with pytest.raises(checks.CheckFailed, match="not attempted") as failed:
        checks.not_attempted()
    assert failed.value.mistake == "not attempted"


# Functions that do not come back

FOREVER = {
    "loop that swallows exceptions": (
        "while True:\n        try:\n            np.ones(3).sum()\n"
        "        except Exception:\n            pass"
    ),
    "loop in a helper": "def helper():\n        while True:\n            pass\n    return helper()",
    "sleep": "import time\n    time.sleep(3600)",
}


@pytest.fixture
def short_patience(monkeypatch):
    monkeypatch.setattr(checks.attempts, "SECONDS", 0.3)


def assert_stopped(check, function):
    started = time.perf_counter()
    found = verdict(check, function)
    assert time.perf_counter() - started < 5
    assert found.mistake == "did not finish" and "did not finish" in found.message, found.message
    assert len(found.message) < 1000


@over_functions
def test_what_runs_forever_is_stopped(check, short_patience):
    assert_stopped(check, written("while True:\n        pass", check))


@pytest.mark.parametrize("body", FOREVER.values(), ids=FOREVER)
def test_other_ways_to_run_forever_are_stopped_too(body, short_patience):
    assert_stopped("softmax", written(body, "softmax"))


def test_an_iterator_without_end_is_stopped(short_patience):
    assert_stopped("minibatches", lambda *arguments: itertools.cycle([np.arange(3)]))


ENDLESS = {
    "the same minibatch": "while True:\n        yield np.arange(b)",
    "epoch after epoch": "while True:\n        yield from c.permutation(a).reshape(-1, 1)",
    "before the first": "while True:\n        pass\n    yield",
    "empty ones": "while True:\n        yield []",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_minibatches_without_end_are_stopped(body, short_patience):
    assert_stopped("minibatches", written(body, "minibatches"))


def test_patience_is_some_seconds():
    assert 1 <= checks.attempts.SECONDS <= 60


# Functions that raise, or give something else


def raising_myself(*arguments):
    raise ValueError("these are my own words")


def raising_in_numpy(*arguments):
    return np.linalg.inv(np.zeros((2, 3)))


def raising_type_error(*arguments):
    return len(5)


def raising_deeper(*arguments):
    return raising_myself(*arguments)


def generator_that_raises(*arguments):
    yield np.arange(2)
    raise ValueError("these are my own words")


RAISING = {
    raising_myself: ("ValueError", "these are my own words", 'raise ValueError("these are my own'),
    raising_in_numpy: ("LinAlgError", "", "return np.linalg.inv(np.zeros((2, 3)))"),
    raising_type_error: ("TypeError", "has no len()", "return len(5)"),
    raising_deeper: ("ValueError", "these are my own words", 'raise ValueError("these are my own'),
}


def assert_raised(found, kind, words, line):
    assert found.mistake == "raised", found.message
    assert kind in found.message and words in found.message and line in found.message
    assert "Traceback" not in found.message


@over_functions
@pytest.mark.parametrize("function", RAISING, ids=lambda function: function.__name__)
def test_what_raises_shows_the_students_own_line(check, function):
    assert_raised(verdict(check, function), *RAISING[function])


def test_a_generator_that_raises_shows_its_line():
    assert_raised(verdict("minibatches", generator_that_raises), *RAISING[raising_myself])


@over_functions
def test_what_raises_without_source_shows_what_it_raised(check):
    found = verdict(check, written("return np.zeros(3) @ np.zeros(4)", check))
    assert found.mistake == "raised" and "ValueError" in found.message


@pytest.mark.parametrize("check", marked([c for c in ARGUMENTS if c != "tensorflow_step"]))
def test_a_forgotten_return_is_named(check):
    found = verdict(check, written("result = np.ones(3)\n    result *= 2", check))
    assert found.mistake == "nothing returned" and "nothing returned" in found.message


@pytest.mark.parametrize("check", marked([c for c in ARGUMENTS if c != "minibatches"]))
def test_all_work_and_no_return_is_named(check):
    right = right_answer(check)

    def my_function(*arguments):
        right(*arguments)

    found = verdict(check, my_function)
    assert found.mistake == "nothing returned", found.message


@over_functions
def test_a_call_that_does_not_fit_is_named(check):
    too_few = written("return a", check, "a=None" if ARGUMENTS[check] > 1 else "")
    too_many = written("return a", check, "a, b, c, d, e, f, g")
    for answer in too_few, too_many:
        found = verdict(check, answer)
        assert found.mistake == "cannot be called", found.message
        assert "cannot be called" in found.message
        assert "argument" in found.message


@over_functions
@pytest.mark.parametrize("answer", [np.zeros(3), "my_function", 5], ids=["array", "text", "number"])
def test_what_is_no_function_is_refused(check, answer):
    found = verdict(check, answer)
    assert not found.accepted and "function" in found.message


class EqualToEverything:
    """An answer that passes every check made with ==."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None


class NoArray:
    """What cannot be looked at, such as a tensor with a gradient."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("cannot be made an array")

    def __iter__(self):
        raise RuntimeError("cannot be iterated over")


UNFIT = {
    "equal to everything": EqualToEverything(),
    "two equal to everything": (EqualToEverything(), EqualToEverything()),
    "list equal to everything": [EqualToEverything()] * 4,
    "True": True,
    "text": "0.5",
    "number": 0.5,
    "two numbers": (5, 6),
    "two numbers of NumPy": (np.float32(5), np.array(6)),
    "number beyond all floats": 10**400,
    "two that cannot be looked at": (NoArray(), NoArray()),
    "cannot be looked at": NoArray(),
    "date": np.datetime64("2000-01-01"),
    "matrix": np.matrix([[0, 1], [2, 3]]),
    "nan": float("nan"),
    "nothing in a tuple": (None, None),
    "empty list": [],
    "ragged list": [[1.0, 2.0], [3.0]],
    "three arrays": (np.zeros(2), np.zeros(2), np.zeros(2)),
    "wrong shapes": (np.zeros((7, 1, 7)), np.zeros((1, 7, 7))),
    "complex": np.full((2, 3), 1j),
    "objects": np.array([None, "x"], dtype=object),
    "dictionary": {"W": np.zeros(2)},
    "function": np.sum,
}


@over_functions
@pytest.mark.parametrize("value", UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_an_answer_is_refused(check, value):
    found = verdict(check, lambda *arguments: value)
    assert not found.accepted
    assert found.message.strip()


@pytest.mark.parametrize(
    "check", marked(["preprocess_data", "gradient", "sgd_step", "minibatches"])
)
@pytest.mark.parametrize("value", UNFIT.values(), ids=UNFIT)
def test_half_an_answer_is_refused(check, value):
    right = right_answer(check)

    def first_replaced(*arguments):
        return value, *tuple(right(*arguments))[1:]

    def last_replaced(*arguments):
        return *tuple(right(*arguments))[:-1], value

    for function in first_replaced, last_replaced:
        found = verdict(check, function)
        assert not found.accepted and found.message.strip()


@pytest.mark.parametrize("value", UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize("check", ["effective_rate", "choices"])
def test_what_cannot_be_a_number_or_choices_is_refused(check, value):
    assert not verdict(check, value).accepted


@pytest.mark.slow
@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize("name", ["learning_rate", "num_iterations"])
def test_what_cannot_be_a_choice_is_refused(name, unfit):
    # (A learning rate of 0.5 can be one, but does not converge at B = 1.)
    choice = dict(learning_rate=0.1, num_iterations=10) | {name: UNFIT[unfit]}
    assert not verdict("choices", dict.fromkeys(GOOD_CHOICES, choice)).accepted


def test_a_number_as_text_is_no_number():
    def in_words(*arguments):
        return f"{right_answer('loss')(*arguments):.10f}"

    assert verdict("loss", in_words).mistake == "not a number"


def test_wrong_shapes_are_said():
    cases = {
        "softmax": [lambda z: right_softmax(z).T, lambda z: right_softmax(z).ravel()],
        "gradient": [lambda *a: by_matrices(*a)[0], lambda *a: (*by_matrices(*a), 0)],
        "loss": [lambda W, b, X, Y, reg_lambda: np.zeros(len(X))],
    }
    for check, functions in cases.items():
        for function in functions:
            message = verdict(check, function).message
            assert "expected" in message and "got" in message


# What a check leaves behind


def test_what_a_student_returned_is_not_changed():
    returned = []

    def my_gradient(*arguments):
        dW, db = by_matrices(*arguments)
        returned.append((dW, db, dW.copy(), db.copy()))
        return dW, db

    assert verdict("gradient", my_gradient).accepted
    for dW, db, dW_then, db_then in returned:
        np.testing.assert_array_equal(dW, dW_then)
        np.testing.assert_array_equal(db, db_then)


@pytest.mark.parametrize(
    "answer", [a for a in MUTANTS if "updated in place" in a.mistakes], ids=str
)
def test_a_function_that_overwrites_its_arguments_spoils_no_later_check(answer):
    assert not verdict(answer.check, answer.make()).accepted
    found = verdict(answer.check, right_answer(answer.check))
    assert found.accepted, found.message


def test_nothing_of_the_data_set_is_left_changed():
    def my_preprocess_data(data):
        data.data[:] = 0
        data.targets[:] = 0
        return data.data.float().reshape(-1, 784).numpy(), np.zeros((len(data.data), 10))

    assert not verdict("preprocess_data", my_preprocess_data).accepted
    assert verdict("preprocess_data", right_answer("preprocess_data")).accepted


def test_minibatches_of_the_same_examples_are_warned_about():
    def blocks(num_examples, batch_size, rng):
        for start in rng.permutation(range(0, num_examples, batch_size)):
            yield np.arange(start, min(start + batch_size, num_examples))

    found = verdict("minibatches", blocks)
    assert found.accepted and "same examples" in found.printed.splitlines()[1]


def test_a_class_that_never_ends_to_be_read_is_stopped(short_patience):
    class Endless:
        def __init__(self, *arguments):
            pass

        def __iter__(self):
            while True:
                pass

    assert_stopped("minibatches", Endless)


def test_a_class_that_raises_while_it_is_read_shows_its_line():
    class Raising:
        def __init__(self, *arguments):
            pass

        def __iter__(self):
            raise ValueError("these are my own words")

    assert_raised(verdict("minibatches", Raising), *RAISING[raising_myself])


def test_a_decorated_function_shows_its_own_line_and_is_a_stub_as_before():
    @np.errstate(over="ignore")
    def my_softmax(logits):
        return np.linalg.inv(np.zeros((2, 3)))

    @np.errstate(over="ignore")
    def stub(logits):
        """Class probabilities."""

    assert_raised(verdict("softmax", my_softmax), *RAISING[raising_in_numpy])
    assert_not_attempted(verdict("softmax", stub))


def test_what_raises_in_helpers_shows_the_line_that_called_them():
    def my_training_run(data, batches, step, loss, accuracy, checkpoints):
        return loss(np.zeros((2, 2)), np.zeros(2), data.X_train, data.Y_train)  # 3 pixels

    found = verdict("training_run", my_training_run)
    assert_raised(found, "ValueError", "expected X (n, features)", "data.Y_train)  # 3 pixels")


def test_no_gradients_are_not_attempted():
    assert_not_attempted(verdict("gradient", lambda *arguments: (None, None)))


@pytest.mark.slow
def test_the_same_answer_gets_the_same_verdict_again():
    for answer in MUTANTS + CORRECT:
        if answer.check in ("softmax", "gradient", "minibatches"):
            again = verdict(answer.check, answer.make())
            assert again[:2] == verdict_on(answer)[:2], str(answer)


def test_print_in_a_students_function_does_no_harm():
    def my_softmax(logits):
        print(logits.shape)
        return right_softmax(logits)

    found = verdict("softmax", my_softmax)
    assert found.accepted
    assert sum(bool(GREEN.search(line)) for line in found.printed.splitlines()) == 1


# How it is displayed


def test_a_failed_check_is_an_assertion_error():
    assert issubclass(checks.CheckFailed, AssertionError)


CELLS = [
    "import numpy as np\nfrom helpers import checks",
    "def my_softmax(logits):\n    return np.exp(logits) / np.exp(logits).sum(axis=0)",
    "checks.softmax(my_softmax)",
    "def my_softmax(logits):\n    halves = logits / 2\n    return halves.no_such_method()",
    "checks.softmax(my_softmax)",
    "def my_softmax(logits):\n    # Write your code here.\n    checks.not_attempted()",
    "checks.softmax(my_softmax)",
    "def my_softmax(logits):\n    ...",
    "checks.softmax(my_softmax)",
    "def my_softmax(logits):\n"
    "    powers = np.exp(logits - logits.max(axis=1, keepdims=True))\n"
    "    return powers / powers.sum(axis=1, keepdims=True)",
    "checks.softmax(my_softmax)",
    "1 / 0",
]


@pytest.fixture(scope="module")
def executed():
    """Outputs of each of the cells above, executed in a kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(ROOT)}},
    )
    return [cell.outputs for cell in client.execute().cells]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (2, "wrong axis"),
        (4, "return halves.no_such_method()"),
        (6, "not attempted"),
        (8, "not attempted"),
    ],
)
def test_a_notebook_shows_the_message_alone(executed, cell, words):
    [output] = executed[cell]
    assert output.output_type == "error" and output.ename == "CheckFailed"
    shown = ESCAPE.sub("", "\n".join(output.traceback))
    assert words in shown
    assert shown.strip() == ESCAPE.sub("", output.evalue).strip()
    for noise in "Traceback", "File", "---->", "<ipython", "Cell In", ".py":
        assert noise not in shown


@pytest.mark.slow
def test_a_notebook_shows_one_green_line(executed):
    [output] = executed[10]
    assert output.output_type == "stream" and output.name == "stdout"
    assert len(output.text.splitlines()) == 1 and GREEN.search(output.text)


@pytest.mark.slow
def test_other_errors_of_a_notebook_keep_their_traceback(executed):
    [output] = executed[11]
    assert output.ename == "ZeroDivisionError"
    assert "Traceback" in "\n".join(output.traceback)


# The choices of Q3, trained on MNIST


@pytest.mark.slow
def test_good_choices_are_accepted_and_left_as_they_are():
    choices = {B: dict(choice) for B, choice in GOOD_CHOICES.items()}
    found = verdict("choices", choices)
    assert found.accepted, found.message
    assert choices == GOOD_CHOICES
    assert GREEN.search(found.printed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch_size", "change"),
    [(100, dict(num_iterations=100)), (1000, dict(learning_rate=1e-5))],
    ids=["too few iterations", "learning rate far too small"],
)
def test_choices_that_do_not_converge_are_refused_with_their_batch_size(batch_size, change):
    choices = GOOD_CHOICES | {batch_size: GOOD_CHOICES[batch_size] | change}
    found = verdict("choices", choices)
    assert not found.accepted
    assert re.search(rf"\bB\s*=\s*{batch_size}\b|batch size\s*{batch_size}\b", found.message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (dict(num_iterations=40), training_choices.TOO_SHORT),
        (dict(learning_rate=1e-5), training_choices.TOO_SMALL),
        (dict(learning_rate=10.0), training_choices.TOO_LARGE),
        (dict(learning_rate=1000.0), "gap above that of W = 0"),
    ],
)
def test_choices_that_do_not_converge_get_advice(change, advice):
    found = verdict("choices", GOOD_CHOICES | {1000: GOOD_CHOICES[1000] | change})
    [line] = [line for line in found.message.splitlines() if "B = 1000" in line]
    assert advice in line


@pytest.fixture(scope="module")
def task():
    return training_choices.task_of()


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", GOOD_CHOICES)
def test_advice_leads_towards_the_good_choices(batch_size, task, record_property):
    rate, iterations = GOOD_CHOICES[batch_size].values()
    factors, seeds = [1 / 64, 1 / 8, 1 / 2, 1, 2, 4, 10, 1000], (0, 1)
    lengths = [20, iterations // 100, iterations // 10, iterations // 2, iterations]
    settings = [
        dict(
            batch_size=batch_size,
            learning_rate=rate * factor,
            num_iterations=iterations,
            checkpoints=lengths,
        )
        for factor in factors
    ]
    cases = []
    for seed in seeds:
        for each, gaps in zip(
            settings, training_choices.gaps_of(settings, task, seed), strict=True
        ):
            for length in lengths:
                gap = gaps.get(length, np.inf)
                if not gap <= training_choices.FULL_CREDIT:
                    cases.append((batch_size, each["learning_rate"], length, gap))
    # Stable: a run that starts at the minimum stays nearer to it than W = 0 is.
    rates = [rate * 2**k for k in range(-1, 5)]
    balls = training_choices.sizes_of_balls({(batch_size, each) for each in rates}, task)
    largest_stable = max(
        each for (_, each), size in balls.items() if size <= training_choices.gap_at_zero(task)
    )
    counts = Counter()
    for (_, tried, length, _), words in zip(
        cases, training_choices.advice(cases, task), strict=True
    ):
        leads = {
            training_choices.TOO_LARGE: tried > rate,
            training_choices.TOO_SMALL: tried < rate,
            # At a rate that is no larger than twice the good one, towards the same way in all.
            training_choices.TOO_SHORT: tried <= 2 * rate
            and tried * length < 1.1 * rate * iterations,
        }[words]
        counts[f"{tried / rate:g}", words, leads] += 1
        assert words != training_choices.TOO_SHORT or tried <= 2 * largest_stable
    lines = [
        f"B = {batch_size}: largest stable rate tried: {largest_stable / rate:g} good ones",
        "rate over the good one, advice, whether it leads there, cases",
        *("  ".join(map(str, ["   ", *key, count])) for key, count in counts.items()),
    ]
    record_property("shown", "\n".join(lines))
    assert sum(n for (*_, leads), n in counts.items() if leads) >= 0.95 * len(cases)


@pytest.mark.slow
def test_choices_without_a_batch_size_are_refused():
    choices = {B: choice for B, choice in GOOD_CHOICES.items() if B != 100}
    found = verdict("choices", choices)
    assert not found.accepted and re.search(r"\b100\b", found.message)

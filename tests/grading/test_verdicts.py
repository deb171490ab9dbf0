"""Points are decided outside of the sandbox: for what is right, and for nothing else."""

import contextlib
import dataclasses
import json
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from answers import CORRECT, MUTANTS
from build import answered, as_bytes, model_answers, release, untouched
from nbformat import from_dict
from nbformat.v4 import new_code_cell, new_output

from grading import hidden_tests
from grading.running import sandbox
from grading.deciding.claims import compare, manipulations, text_of
from grading.deciding.decide import FURTHER, decide
from grading.exercises import ALWAYS, CLAIMS, nbgrader
from grading.handed_in.rebuild import rebuild_all
from grading.records import NOT_CHECKED
from grading.running.sandbox import Limits, Sandbox
from grading.running.session import Session
from grading.running.stand_ins import StandIn
from helpers import checks

ANSWERS = Path(__file__).resolve().parents[1] / "answers"
DATA, SGD, STUDY, TENSORFLOW = (
    "01_data_preparation", "02_hand_coded_sgd", "03_batch_size_study", "04_tensorflow_comparison",
)  # fmt: skip
NO_BUBBLEWRAP = sandbox.problem()
LIMITS = Limits(cell_seconds=120, call_seconds=6, memory=2 * 2**30, threads=1)
GOOD_CHOICES = """choices = {
    1: dict(learning_rate=0.002, num_iterations=900_000),
    10: dict(learning_rate=0.032, num_iterations=78_000),
    100: dict(learning_rate=0.256, num_iterations=7_800),
    1000: dict(learning_rate=1.024, num_iterations=1_680),
}"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NO_BUBBLEWRAP), reason=f"no sandbox: {NO_BUBBLEWRAP}"),
]


# Every answer that the tests of the checks know


EVERY_ANSWER = [*CORRECT, *MUTANTS]
# Those of every day; the others take more than a minute.
SOME = range(0, len(EVERY_ANSWER), 12)


@pytest.fixture(scope="module")
def session():
    """A kernel in which every answer is defined, the first one as answer_0."""
    files = {path.name: path.read_text(encoding="utf-8") for path in ANSWERS.glob("*.py")}
    source = f"""
import os, sys
sys.path[:0] = ["/course", os.getcwd()]
os.makedirs("answers", exist_ok=True)
for name, text in {files!r}.items():
    open(os.path.join("answers", name), "w").write(text)
from answers import CORRECT, MUTANTS
for number, answer in enumerate([*CORRECT, *MUTANTS]):
    globals()[f"answer_{{number}}"] = answer.make()
"""
    cells = [new_code_cell(source)]
    limits = dataclasses.replace(LIMITS, cell_seconds=600)  # imports of all frameworks
    with Session(cells, {}, limits, lambda: Sandbox(limits)) as started:
        reply = started.run(0)
        assert reply["status"] == "ok" and not reply["outputs"], text_of(reply["outputs"])
        yield started


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(n, id=str(answer), marks=() if n in SOME else pytest.mark.thorough)
        for n, answer in enumerate(EVERY_ANSWER)
    ],
)
def test_a_stand_in_gets_the_same_verdict(number, session, capsys):
    answer = EVERY_ANSWER[number]
    if answer.check == "effective_rate":
        pytest.skip("a number needs no stand-in")
    session.warm_up(answer.check)
    stand_in = StandIn(f"answer_{number}", session.calls_for([]), LIMITS.call_seconds)
    try:
        getattr(checks, answer.check)(stand_in)
    except checks.CheckFailed as error:
        assert answer in MUTANTS, str(error)
        assert not answer.mistakes or error.mistake in answer.mistakes, str(error)
    else:
        assert answer in CORRECT


# Submissions


def small(name, answers=None, *, before="", handed_in=None, limits=LIMITS, isolated=True):
    """The verdicts by grade id, and the notebook as it ran, with no cells beside the exercises.

    `answers` are in place of those of the model, `before` is a cell that the student added on top.
    """
    notebook = handed_in or answered(name, {**model_answers(name), **(answers or {})})
    if before:
        first = next(n for n, c in enumerate(notebook.cells) if nbgrader(c).get("solution"))
        notebook.cells.insert(first, new_code_cell(before))
    [rebuilt] = rebuild_all({name: as_bytes(notebook)}, release())
    rebuilt.notebook.cells = [
        cell
        for cell in rebuilt.notebook.cells
        if cell.get("id") in ALWAYS or nbgrader(cell) or cell.metadata.get("added")
    ]
    graded = decide("someone", [rebuilt], release(), sandbox=isolated, limits=limits)
    return {each.grade_id: each for each in graded.verdicts}, graded.ran[name]


def points(verdicts):
    return {key: each.points for key, each in verdicts.items()}


def most_points(verdicts):
    by_hand = {each.grade_id for each in release().exercises if each.by_hand}
    return {key: None if key in by_hand else each.max_points for key, each in verdicts.items()}


def mistakes(verdicts):
    return {key.removesuffix("-check"): each.mistake for key, each in verdicts.items()}


@cache
def model(name):
    return small(name, {"q3-choices": GOOD_CHOICES} if name == STUDY else None)


@pytest.mark.parametrize("name", [DATA, SGD, STUDY, TENSORFLOW])
def test_the_model_answer_gets_all_points(name):
    verdicts, ran = model(name)
    assert points(verdicts) == most_points(verdicts), verdicts
    assert not any(each.flags for each in verdicts.values())
    printed = "\n".join(text_of(cell.outputs) for cell in ran.cells if cell.cell_type == "code")
    assert "is right" in printed
    assert nbformat.validate(ran) is None


def test_the_same_submission_gets_the_same_verdicts():
    assert small(SGD)[0] == model(SGD)[0]


@pytest.mark.parametrize("name", [DATA, SGD, STUDY, TENSORFLOW])
def test_what_is_untouched_is_not_attempted(name):
    verdicts, _ = small(name, handed_in=untouched(name))
    assert {each.points for each in verdicts.values()} <= {0.0, None}
    assert {each.mistake for each in verdicts.values()} <= {"not attempted", None}


WRONG = {
    DATA: {
        "q1-preprocess-data": (
            """def my_preprocess_data(data):
    images, labels = data.data.numpy(), data.targets.numpy()
    return images.reshape(len(images), -1) / np.float32(256), np.eye(10)[labels]""",
            "divided by 256",
        )
    },
    SGD: {
        "q2-softmax": (
            """def my_softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)""",
            "maximum not subtracted",
        ),
        "q2-loss": (
            """def my_loss(W, b, X, Y, reg_lambda=0.0):
    return softmax.loss(W, b, X, Y, 0)""",
            "λ missing",
        ),
        "q2-gradient": (
            """def my_gradient(W, b, X, Y, reg_lambda=0.0):
    W -= 0
    W += 1
    return softmax.gradient(W, b, X, Y, reg_lambda)""",
            "updated in place",
        ),
        "q2-minibatches": (
            """def my_minibatches(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield rng.integers(num_examples, size=batch_size)""",
            "sampling with replacement",
        ),
        "q2-sgd-step": (
            """def my_sgd_step(W, b, X, Y, learning_rate, reg_lambda):
    raise ValueError("shapes do not fit")""",
            "raised",
        ),
    },
    TENSORFLOW: {
        "q6-train-step": (
            """def my_train_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
    W = W - learning_rate
    return 0.0""",
            "variables not updated",
        )
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_each_lost_point_names_its_mistake(name):
    verdicts, ran = small(name, {key: source for key, (source, _) in WRONG[name].items()})
    expected = {key: mistake for key, (_, mistake) in WRONG[name].items()}
    found = {key: mistake for key, mistake in mistakes(verdicts).items() if key in expected}
    assert found == expected
    assert all(verdicts[f"{key}-check"].points == 0 for key in expected)
    shown = "\n".join(str(cell.get("outputs")) for cell in ran.cells)
    assert all(mistake in shown for mistake in expected.values())


def test_one_wrong_answer_costs_its_own_points_alone():
    verdicts, _ = small(SGD, {"q2-loss": WRONG[SGD]["q2-loss"][0]})
    lost = {key for key, each in verdicts.items() if each.points != each.max_points}
    assert lost == {"q2-loss-check"}


def test_choices_and_rates_travel_as_numbers_and_are_trained_with_here():
    answers = {
        "q3-choices": GOOD_CHOICES.replace("900_000", "6_000").replace("1_680", "1.5"),
        "q5-answer": "class Rate(float):\n    __eq__ = lambda *_: True\neffective_rate = Rate(0.5)",
        "q3-training-run": "def my_training_run(data, batches, *rest):\n    return [dict(a=1)]",
    }
    verdicts, _ = small(STUDY, answers)
    choices = next(each for key, each in verdicts.items() if key.startswith("q3-choices"))
    assert choices.points == 2 / 4 * choices.max_points, choices
    assert "gap" in choices.message
    assert verdicts["q5-answer-check"].points == 0
    assert verdicts["q3-training-run-check"].points == 0
    assert verdicts["q3-best-rates-check"].points > 0


def test_a_check_that_fails_by_itself_leaves_the_points_to_a_person(monkeypatch):
    def broken(function):
        raise ZeroDivisionError("of the check")

    monkeypatch.setattr(checks, "preprocess_data", broken)
    verdicts, _ = small(DATA)
    verdict = verdicts["q1-preprocess-data-check"]
    assert (verdict.points, verdict.mistake) == (None, NOT_CHECKED)
    assert "the fault may be the grader's" in verdict.flags[0]


# What is hostile, or merely goes wrong


def test_a_loss_that_never_ends_costs_its_own_points_alone():
    greedy = """kept = []
def my_loss(W, b, X, Y, reg_lambda=0.0):
    while True:
        try:
            while True:
                kept.append(np.ones(10**6))
        except BaseException:
            pass"""
    verdicts, _ = small(SGD, {"q2-loss": greedy})
    expected = most_points(verdicts) | {"q2-loss-check": 0.0}
    assert points(verdicts) == expected
    assert verdicts["q2-loss-check"].mistake in ("too much memory", "did not finish")
    assert "was stopped" in verdicts["q2-loss-check"].message


def test_functions_that_end_or_stop_the_kernel_cost_their_own_points_alone():
    answers = {
        "q2-softmax": "import os\ndef my_softmax(logits):\n    os._exit(0)",
        "q2-loss": "def my_loss(*arguments):\n    raise SystemExit",
        "q2-gradient": "import time\ndef my_gradient(*arguments):\n    time.sleep(1000)",
        "q2-minibatches": "def my_minibatches(*arguments):\n    while True:\n        yield [0]",
        "q2-sgd-step": """def my_sgd_step(W, b, X, Y, learning_rate, reg_lambda):
    dW, db = softmax.gradient(W, b, X, Y, reg_lambda)
    return W - learning_rate * dW, b - learning_rate * db""",
    }
    verdicts, _ = small(SGD, answers)
    assert mistakes(verdicts) == {
        "q2-softmax": "ended the kernel",
        "q2-loss": "raised",
        "q2-gradient": "did not finish",
        "q2-minibatches": "did not finish",
        "q2-sgd-step": None,
    }
    assert all(each.message for each in verdicts.values())


def test_a_cell_that_ends_the_kernel_costs_nothing_by_itself():
    verdicts, ran = small(SGD, before="import os\nos._exit(0)")
    assert points(verdicts) == most_points(verdicts)
    assert any("ended" in flag for flag in verdicts["q2-softmax-check"].flags)
    assert any("The kernel was ended here" in str(cell.get("outputs")) for cell in ran.cells)


def test_where_time_is_up_the_answers_still_run():
    limits = dataclasses.replace(LIMITS, notebook_seconds=0)
    verdicts, ran = small(SGD, before="while True: pass", limits=limits)
    assert points(verdicts) == most_points(verdicts)
    assert any("Not run: other cells took too long" in str(c.get("outputs")) for c in ran.cells)


TRICKS = """
import ast, time
from helpers import checks
from helpers.checks import attempts, diagnosis

class NoChecks(ast.NodeTransformer):
    def visit_Expr(self, node):
        return None if "checks" in ast.unparse(node) else node

get_ipython().ast_transformers.append(NoChecks())
for name in checks.__all__:
    if name not in ("CheckFailed", "not_attempted"):
        setattr(checks, name, lambda *_: print("✓ is right."))
attempts.CheckFailed.__init__.__code__ = (lambda self, *_: None).__code__
diagnosis.agree = lambda *_: True
np.allclose = np.array_equal = lambda *_, **__: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None
time.perf_counter = lambda: 0.0

class AlwaysRight(np.ndarray):
    def __eq__(self, other):
        return True
    __array_ufunc__ = lambda *_, **__: AlwaysRight(1)

class Anything:
    def __getattr__(self, name):
        return self
    def __call__(self, *_, **__):
        return self
    def __eq__(self, other):
        return True
    def __iter__(self):
        return iter([self, self])
    def __array__(self, *_, **__):
        return AlwaysRight((2, 2))
"""


def test_no_trick_in_the_kernel_makes_a_wrong_answer_right():
    answers = {
        "q2-softmax": "def my_softmax(logits):\n    return Anything()",
        "q2-loss": "def my_loss(*arguments):\n    return AlwaysRight((1,))",
        "q2-gradient": "my_gradient = Anything()",
        "q2-minibatches": "def my_minibatches(*arguments):\n    return Anything()",
        "q2-sgd-step": """def my_sgd_step(*arguments):
    return checks.hand_coded_sgd.twin_step(*arguments)[0] * 2, None""",
    }
    notebook = answered(SGD, answers)
    for cell in notebook.cells:
        if nbgrader(cell).get("grade"):
            cell.metadata.nbgrader.points = 100
            cell.source = "print('✓ all is right.')"
            cell.outputs = [new_output("stream", name="stdout", text="✓ all is right.\n")]
    verdicts, _ = small(SGD, before=TRICKS, handed_in=notebook)
    assert set(points(verdicts).values()) == {0.0}, verdicts
    flags = " ".join(verdicts["q2-softmax-check"].flags)
    for word in "ast_transformers", "setattr", "__code__", "__eq__", "np.allclose", "says that":
        assert word in flags


def test_the_grader_does_not_mind_nonsense_from_the_other_end():
    evil = """
from grading.running import wire
wire.encode = lambda *_: ({"dict": [[1], [2], [3]]}, [])
"""
    verdicts, _ = small(SGD, before=evil)
    assert set(points(verdicts).values()) == {0.0}
    assert all(each.message for each in verdicts.values())


SPY = """history = []
def my_softmax(logits):
    history.append(logits.tolist())
    print("seen", history)
    print("x" * 50_000_000)
    if len(history) > 1 and logits.size > 8:
        open("history.txt", "a").write(str(history))
        raise ValueError(f"seen {history}")
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)"""


def test_hidden_tests_show_nothing_of_themselves():
    after = """import os
print(open("history.txt").read() if os.path.exists("history.txt") else "no file", history)"""
    answers = {"q2-softmax": SPY, "q2-sgd-step": f"{model_answers(SGD)['q2-sgd-step']}\n{after}"}
    verdicts, ran = small(SGD, answers)
    verdict = verdicts["q2-softmax-check"]
    assert (verdict.points, verdict.mistake) == (0.0, "raised")
    assert "further tests" in verdict.message
    assert "seen" not in verdict.message and not re.search(r"\d|\[", verdict.message)
    shown, given = nbformat.writes(ran), []
    with contextlib.suppress(AssertionError):
        hidden_tests.softmax(lambda logits: given.extend(logits.ravel().tolist()) or logits)
    assert given and not any(str(number) in shown for number in given)
    assert "hidden" not in shown.lower() and len(shown) < 2_000_000


def test_what_fails_a_further_test_alone_says_in_which_case():
    source = """def my_softmax(logits):
    largest = logits.max(axis=1, keepdims=True) if logits.size < 12 else logits.max()
    exponentials = np.exp(logits - largest)
    return exponentials / exponentials.sum(axis=1, keepdims=True)"""
    verdicts, _ = small(SGD, {"q2-softmax": source})
    verdict = verdicts["q2-softmax-check"]
    assert (verdict.points, verdict.mistake) == (0.0, FURTHER)
    assert "large logits" in verdict.message


def test_what_a_stored_output_claims_is_flagged_and_costs_nothing():
    notebook = answered(SGD, model_answers(SGD))
    claim = new_code_cell("print('test accuracy', 0.5, 'in', 2.0, 's, loss', 0.2501)")
    text = "test accuracy 0.98 in 1.0 s, loss 0.2502\n"
    claim.outputs = [new_output("stream", name="stdout", text=text)]
    first = next(n for n, c in enumerate(notebook.cells) if nbgrader(c).get("solution"))
    notebook.cells.insert(first, claim)
    verdicts, _ = small(SGD, handed_in=notebook)
    assert points(verdicts) == most_points(verdicts)
    [flag] = verdicts["q2-softmax-check"].flags
    assert "says 0.98, the rerun gives 0.5" in flag


@pytest.mark.parametrize("name", [DATA, SGD, TENSORFLOW])
def test_an_accuracy_that_no_run_gives_is_flagged_and_all_else_agrees(name):
    notebook = answered(name, model_answers(name))
    worked = {cell.id: cell for cell in release().worked[name].cells}
    for cell in notebook.cells:
        if cell.id in CLAIMS[name]:
            found = json.dumps(worked[cell.id].outputs)
            [accuracy, *_] = re.findall(r"0\.[89]\d\d+", found)
            cell.outputs = list(map(from_dict, json.loads(found.replace(accuracy, "0.9999"))))
    [rebuilt] = rebuild_all({name: as_bytes(notebook)}, release())
    graded = decide("someone", [rebuilt], release(), limits=LIMITS)
    verdicts = {each.grade_id: each for each in graded.verdicts}
    assert points(verdicts) == most_points(verdicts)
    flags = [flag for each in graded.verdicts for flag in each.flags]
    assert flags and all("says 0.9999, the rerun gives 0." in flag for flag in flags)


def test_without_a_sandbox_the_verdicts_are_the_same():
    assert small(SGD, isolated=False)[0] == model(SGD)[0]


# Claims and manipulations


def stream(text):
    return [new_output("stream", name="stdout", text=text)]


@pytest.mark.parametrize(
    ("claimed", "rerun", "lines"),
    [
        ("accuracy 0.920", "accuracy 0.921", 0),
        ("accuracy 0.990", "accuracy 0.921", 1),
        ("7,800 iterations", "9,000 iterations", 0),
        ("780 iterations", "9,000 iterations", 1),
        ("took 1.5 s", "took 9.0 s", 0),
        ("took 0.1 s", "took 9.0 s", 1),
        ("accuracy nan", "accuracy nan", 0),
        ("another text 3", "accuracy 0.921", 0),
        ("", "accuracy 0.921", 0),
    ],
)
def test_numbers_beyond_their_tolerance_are_flagged(claimed, rerun, lines):
    assert len(compare(stream(claimed), stream(rerun), ["rtol=0.34"])) == lines


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def my_loss(W): return np.sum(W**2)", []),
        ("checks.loss = print", ["checks.loss = …"]),
        ("np.testing.assert_allclose = print", ["np.testing.assert_allclose = …"]),
        ("import os\nos._exit(0)", ["_exit"]),
        ("%time 1 + 1\nfrom ctypes import CDLL", ["ctypes"]),
        ("def f(:", []),
    ],
)
def test_code_that_no_exercise_needs_is_named(source, found):
    assert manipulations(source) == found


def test_every_exercise_with_a_check_is_known():
    for each in release().exercises:
        assert each.by_hand or each.answers, each
    assert dataclasses.is_dataclass(Limits)

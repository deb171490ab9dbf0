"""Short questions: every answer gets its reaction, and none stays without one."""

import pytest

from helpers.support.questions import QUESTIONS
from helpers.support.questions.question import Question
from helpers.support.quiz import ask

EXAMPLES = {
    "color": Question(right="b", choices={"a": "Look again.", "b": "As the sky.", "c": "No."}),
    "half": Question(right=0.5, numbers={0.5: "1/2.", 2: "Upside down."}, otherwise="Divide."),
}


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("color", None, 'Not answered yet: put "a", "b" or "c" in the place of None.'),
        ("color", ..., 'Not answered yet: put "a", "b" or "c" in the place of None.'),
        ("color", "b", "✓ Right. As the sky."),
        ("color", " B ", "✓ Right. As the sky."),
        ("color", "a", "✗ Not quite. Look again."),
        ("color", "d", '✗ Not quite. There is no choice \'d\': take "a", "b" or "c".'),
        ("half", None, "Not answered yet: put a number in the place of None."),
        ("half", 0.5, "✓ Right. 1/2."),
        ("half", 1 / 2.001, "✓ Right. 1/2."),
        ("half", 2, "✗ Not quite. Upside down."),
        ("half", 7, "✗ Not quite. Divide."),
        ("half", "x", "✗ Not quite. 'x' is no number."),
        ("half", float("nan"), "✗ Not quite. nan is no number."),
    ],
)
def test_an_answer_gets_its_reaction(name, answer, expected, monkeypatch, capsys):
    monkeypatch.setattr("helpers.support.quiz.QUESTIONS", EXAMPLES)
    ask(name, answer)
    assert capsys.readouterr().out == expected + "\n"


def test_an_unknown_question_is_an_error():
    with pytest.raises(ValueError, match="no question 'nonsense'"):
        ask("nonsense")


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_has_a_right_answer_and_reactions_to_wrong_ones(name):
    question = QUESTIONS[name]
    reactions = question.choices or question.numbers
    assert question.right in reactions and len(reactions) >= 2
    assert bool(question.choices) != bool(question.otherwise)

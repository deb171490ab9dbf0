"""What a student is told before handing in."""

import nbformat
import pytest
from nbformat.v4 import new_output

from grading.exercises import nbgrader
from helpers import handin
from tests.grading.build import as_bytes, cell_of, model, release, untouched

SGD = "02_hand_coded_sgd"


def executed(notebook, failing=()):
    """A notebook as after Run All, with the outputs of its checks; some say that it is wrong."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        if nbgrader(cell).get("grade_id") in failing:
            told = "\x1b[1mmy_loss: the sum, not the mean\x1b[0m\nmore"
            cell.outputs = [new_output("error", ename="CheckFailed", evalue=told, traceback=[])]
    return notebook


def saved(folder, notebooks):
    (folder / "notebooks").mkdir()
    for name, notebook in notebooks.items():
        (folder / "notebooks" / f"{name}.ipynb").write_bytes(as_bytes(notebook))
    return folder


def said(folder, capsys):
    return handin.main([str(folder)]), capsys.readouterr().out


def test_it_knows_every_answer_of_the_release_and_the_check_after_it():
    assert {
        name: [
            nbgrader(cell)["grade_id"] for cell in notebook.cells if nbgrader(cell).get("solution")
        ]
        for name, notebook in release().released.items()
    } == handin.ANSWERS
    for exercise in release().exercises:
        if not exercise.by_hand:
            assert exercise.grade_id == f"{exercise.answers[-1]}-check"


def test_all_answered_and_green_is_fit_to_hand_in(tmp_path, capsys):
    saved(tmp_path, {name: executed(model(name)) for name in release().released})
    code, text = said(tmp_path, capsys)
    assert code == 0 and "✗" not in text and "·" not in text
    assert str(tmp_path / "notebooks" / f"{SGD}.ipynb") in text


def test_what_is_unanswered_wrong_or_not_run_is_said(tmp_path, capsys):
    notebook = executed(model(SGD), failing=["q2-loss-check"])
    cell_of(notebook, "q2-softmax").source = cell_of(untouched(SGD), "q2-softmax").source
    cell_of(notebook, "q2-gradient-check").execution_count = None
    notebook.cells.remove(cell_of(notebook, "q2-minibatches"))
    code, text = said(saved(tmp_path, {SGD: notebook}), capsys)
    assert code == 1
    assert "· q2-softmax: not answered" in text
    assert "· q2-loss: my_loss: the sum, not the mean\n" in text
    assert "· q2-gradient: answered, but its check has not been run since" in text
    assert "· q2-minibatches: its cell is missing" in text
    assert "✓ q2-sgd-step: answered, and its check is green" in text
    assert "✗ there is no file of this name" in text and f"(notebooks: {SGD}.ipynb)" in text


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 99_999, b"\xff\xfe{", b'{"cells": [3]}'])
def test_what_cannot_be_read_is_said_without_a_traceback(tmp_path, capsys, data):
    saved(tmp_path, {})
    (tmp_path / "notebooks" / f"{SGD}.ipynb").write_bytes(data)
    code, text = said(tmp_path, capsys)
    assert code == 1 and "✗ it cannot be read" in text


def test_cells_that_were_doubled_or_run_out_of_order_are_said(tmp_path, capsys):
    notebook = executed(model(SGD))
    notebook.cells[1].execution_count = 99
    again = nbformat.from_dict(cell_of(notebook, "q2-softmax"))
    again.id = "another"
    notebook.cells.append(again)
    _, text = said(saved(tmp_path, {SGD: notebook}), capsys)
    assert "more than one cell of q2-softmax" in text and "not run in their order" in text

"""Odd notebooks, graded by the command for good: what is put right costs no points."""

import base64
import copy
import csv
import json

import pytest
from nbformat.v4 import new_code_cell, new_output

from grading.running import sandbox
from grading.__main__ import main
from grading.deciding.decide import decide
from tests.grading.build import (
    answered, as_bytes, cell_of, model, model_answers, model_submission, release, write,
)  # fmt: skip

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox: {sandbox.problem()}"),
]
SGD = "02_hand_coded_sgd"
MOST = sum(each.max_points for each in release().exercises if each.notebook == SGD)


def from_colab():
    """As Colab saves it: format 4.0, ids in metadata alone, marks lost, a picture of 12 MB."""
    notebook = model(SGD)
    for grade_id in "q2-loss", "q2-gradient":
        del cell_of(notebook, grade_id).metadata["nbgrader"]
    picture = {"image/png": base64.b64encode(bytes(9_000_000)).decode()}
    notebook.cells[2].outputs = [new_output("display_data", data=picture)]
    content = json.loads(as_bytes(notebook)) | {"nbformat_minor": 0}
    content["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": 1}}
    for cell in content["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
    return json.dumps(content).encode()


def mangled():
    """The gradient in two cells, softmax twice with the first attempt wrong, a check twice."""
    notebook = model(SGD)
    gradient = cell_of(notebook, "q2-gradient")
    *first, last = gradient.source.split("\n")
    second = copy.deepcopy(gradient)
    gradient.source, second.source, second.id = "\n".join(first), last, "second"
    notebook.cells.insert(notebook.cells.index(gradient) + 1, second)
    softmax = cell_of(notebook, "q2-softmax")
    wrong = copy.deepcopy(softmax)
    wrong.source, wrong.id = "def my_softmax(logits):\n    return logits\nno_such_name", "wrong"
    notebook.cells.insert(notebook.cells.index(softmax), wrong)
    check = copy.deepcopy(cell_of(notebook, "q2-loss-check"))
    check.id = "again"
    notebook.cells.append(check)
    return as_bytes(notebook)


def with_helper():
    """A function of the student's own, in an added cell, that an answer calls."""
    answers = model_answers(SGD)
    answers["q2-softmax"] = (
        "def my_softmax(logits):\n    return normalized(np.exp(logits - top(logits)))"
    )
    notebook = answered(SGD, answers)
    helper = """def top(values):
    return values.max(axis=1, keepdims=True)
def normalized(values):
    return values / values.sum(axis=1, keepdims=True)"""
    at = notebook.cells.index(cell_of(notebook, "q2-softmax"))
    notebook.cells.insert(at, new_code_cell(helper))
    return as_bytes(notebook)


def test_odd_notebooks_get_the_points_of_the_answers_in_them(tmp_path):
    folder = tmp_path / "in"
    write(folder / "model", {SGD: b"\xef\xbb\xbf" + model_submission()[SGD]})
    write(folder / "colab", {SGD: from_colab()}, before="Copy of ")
    write(folder / "mangled", {SGD: mangled()})
    write(folder / "helper", {SGD: with_helper()})
    assert main([str(folder), "--build", str(tmp_path / "build")], decide=decide) == 0
    out = tmp_path / "build" / "grades"
    with open(out / "grades.csv", encoding="utf-8", newline="") as stream:
        rows = {row["student"]: row for row in csv.DictReader(stream)}
    assert {name: float(row["Q2"]) for name, row in rows.items()} == dict.fromkeys(rows, MOST)
    assert rows["model"]["remarks"] == rows["helper"]["remarks"] == ""
    result = json.loads((tmp_path / "build/grading/results/colab/result.json").read_text())
    assert len(result["notes"][SGD]) == 2  # the older format and the lost marks; and its name:
    assert "Copy of" in rows["colab"]["remarks"]
    assert "joined" in rows["mangled"]["remarks"]
    pages = list(out.glob("feedback/*/*.html"))
    assert len(pages) == 4 and all(page.stat().st_size < 2_000_000 for page in pages)

"""Notebooks as students hand them in, on the released skeleton: what is put right, and how."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from grading.exercises import CLAIMS, code_cells, nbgrader, needed_code
from grading.handed_in.reading import definitions
from grading.handed_in.rebuild import is_untouched, rebuild, rebuild_all
from tests.grading.build import as_bytes, cell_of, model, model_answers, release, untouched

SGD, STUDY, TENSORFLOW = (
    "02_hand_coded_sgd", "03_batch_size_study", "04_tensorflow_comparison",
)  # fmt: skip
RIGHT = "def my_softmax(logits):\n    return 'right'"
WRONG = "def my_softmax(logits):\n    return 'wrong'"


def rebuilt(notebook, name=SGD):
    """The notebook as it comes out of a file."""
    (result,) = rebuild_all({name: as_bytes(notebook)}, release())
    return result


def needed(notebook):
    """Ids of the cells that points or claims depend on."""
    cells = code_cells(notebook)
    return [cells[number].id for number in sorted(needed_code(notebook))]


def place_of(notebook, grade_id):
    return notebook.cells.index(cell_of(notebook, grade_id))


def sources(result, *grade_ids):
    return [cell_of(result.notebook, grade_id).source for grade_id in grade_ids]


def value_of(result, call):
    """What a call gives after all cells of softmax have run."""
    end = place_of(result.notebook, "q2-softmax-check")
    space = {}
    for cell in result.notebook.cells[:end]:
        if cell.cell_type == "code" and "my_softmax" in definitions(cell.source):
            exec(cell.source, space)
    return eval(call, space)


def lines_about(result, *words):
    return [line for line in result.notes if all(word in line for word in words)]


@pytest.mark.parametrize("name", release().released)
def test_a_regular_notebook_is_rebuilt_as_it_is_without_a_remark(name):
    for notebook in model(name), untouched(name):
        result = rebuilt(notebook, name)
        assert [cell.source for cell in result.notebook.cells] == [
            cell.source for cell in notebook.cells
        ]
        assert result.notes == ()
        nbformat.validate(result.notebook)


def test_answers_stand_by_their_grade_id():
    result = rebuilt(model(SGD))
    assert dict(result.answers) == model_answers(SGD)
    assert all(is_untouched(*pair) for pair in _with_stubs(rebuilt(untouched(SGD))))
    assert not any(is_untouched(*pair) for pair in _with_stubs(result))


def _with_stubs(result):
    stubs = release().released[result.name]
    return [(source, cell_of(stubs, key).source) for key, source in result.answers.items()]


def test_a_changed_deleted_or_doubled_check_is_that_of_the_release():
    notebook = model(SGD)
    checks = [cell for cell in notebook.cells if nbgrader(cell).get("locked")]
    checks[0].source = "checks.softmax = lambda f: print('right')"
    checks[1].cell_type = "markdown"
    notebook.cells.remove(checks[2])
    again = copy.deepcopy(checks[3])
    again.id = "another"
    notebook.cells.insert(0, again)
    result = rebuilt(notebook)
    assert [(nbgrader(cell), cell.source) for cell in result.notebook.cells if nbgrader(cell)] == [
        (nbgrader(cell), cell.source) for cell in model(SGD).cells if nbgrader(cell)
    ]
    for check, word in zip(checks, ("changed", "type", "missing", "more than once"), strict=False):
        assert lines_about(result, nbgrader(check)["grade_id"], word)
    assert len(result.notes) == 4


def test_pieces_of_one_function_in_two_cells_are_joined():
    notebook = model(SGD)
    cell = cell_of(notebook, "q2-gradient")
    *first, last = cell.source.split("\n")
    second = copy.deepcopy(cell)
    cell.source, second.source = "\n".join(first), last
    second.id = "another"
    notebook.cells.insert(notebook.cells.index(cell) + 1, second)
    result = rebuilt(notebook)
    assert sources(result, "q2-gradient") == [model_answers(SGD)["q2-gradient"]]
    assert lines_about(result, "q2-gradient", "joined")


@pytest.mark.parametrize("keep", ["grade id", "cell id", "nothing"])
def test_the_last_of_two_definitions_counts(keep):
    notebook = untouched(SGD)
    cell = cell_of(notebook, "q2-softmax")
    cell.source = WRONG + "\nmy_softmax('what raises an error')[0].no_such_thing"
    second = copy.deepcopy(cell)
    second.source, second.id = RIGHT, "another"
    if keep != "grade id":
        second.metadata = {"id": cell.id} if keep == "cell id" else {}
    notebook.cells.insert(notebook.cells.index(cell) + 1, second)
    result = rebuilt(notebook)
    cells = result.notebook.cells
    defining = [each.source for each in cells if "my_softmax" in definitions(each.source)]
    assert defining[-1] == RIGHT  # a cell of its own, which runs though the first one fails
    assert defining[0] != RIGHT and len(defining) == 2


def test_a_piece_that_is_no_python_does_not_spoil_the_one_that_is():
    notebook = untouched(SGD)
    cell = cell_of(notebook, "q2-softmax")
    second = copy.deepcopy(cell)
    cell.source, second.source, second.id = "def my_softmax(logits:\n    return", RIGHT, "another"
    notebook.cells.insert(notebook.cells.index(cell) + 1, second)
    result = rebuilt(notebook)
    assert value_of(result, "my_softmax(0)") == "right"
    assert lines_about(result, "q2-softmax", "left out")


@pytest.mark.parametrize("keep", ["cell id", "id in metadata", "nothing"])
def test_answers_are_found_without_nbgraders_marks(keep):
    notebook = model(SGD)
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {"id": cell.id} if keep == "id in metadata" else {}
        if keep != "cell id":
            cell.id = f"random-{number}"
    result = rebuilt(notebook)
    assert dict(result.answers) == model_answers(SGD)
    checks = [cell.source for cell in result.notebook.cells if nbgrader(cell).get("locked")]
    assert checks == [c.source for c in untouched(SGD).cells if nbgrader(c).get("locked")]
    added = [cell for cell in result.notebook.cells if cell.metadata.get("added")]
    assert not added


def test_a_helper_function_in_an_added_cell_stays_where_it_is():
    notebook = model(SGD)
    at = place_of(notebook, "q2-softmax")
    notebook.cells.insert(at, new_code_cell("def my_own_exponential(x):\n    return np.exp(x)"))
    result = rebuilt(notebook)
    assert result.notebook.cells[at].source.startswith("def my_own_exponential")
    assert result.notebook.cells[at].metadata.added
    assert place_of(result.notebook, "q2-softmax") == at + 1
    assert result.notes == ()


def test_code_between_two_pieces_of_an_answer_stays_between_them():
    notebook = model(STUDY)
    at = place_of(notebook, "q3-choices")
    cell = notebook.cells[at]
    cell.source = "choices = {}"
    second = copy.deepcopy(cell)
    second.source, second.id = "choices[1] = rate", "another"
    notebook.cells[at + 1 : at + 1] = [new_code_cell("rate = 3"), second]
    result = rebuilt(notebook, STUDY)
    assert result.answers["q3-choices"].split("\n") == [
        "choices = {}",
        "rate = 3",
        "choices[1] = rate",
    ]


def test_an_answer_in_the_cell_of_another_one_is_found():
    notebook = model(SGD)
    cell_of(notebook, "q2-softmax").source += "\n\n" + cell_of(notebook, "q2-loss").source
    notebook.cells.remove(cell_of(notebook, "q2-loss"))
    result = rebuilt(notebook)
    assert "my_loss" in definitions(result.answers["q2-loss"])
    assert "not_attempted" not in result.answers["q2-loss"]
    assert lines_about(result, "q2-loss", "in the cell of q2-softmax")


def test_an_answer_in_a_new_cell_under_an_untouched_stub_is_found():
    notebook = untouched(SGD)
    at = place_of(notebook, "q2-softmax")
    notebook.cells.insert(at + 1, new_code_cell(RIGHT))
    assert value_of(rebuilt(notebook), "my_softmax(0)") == "right"
    study = untouched(STUDY)
    at = place_of(study, "q5-answer")
    study.cells.insert(at + 1, new_code_cell("effective_rate = 5"))
    assert rebuilt(study, STUDY).answers["q5-answer"] == "effective_rate = 5"


def test_an_answer_whose_cell_became_text_is_code_again():
    notebook = model(SGD)
    cell = cell_of(notebook, "q2-softmax")
    text = new_markdown_cell(f"```python\n{RIGHT}\n```", metadata=cell.metadata, id=cell.id)
    notebook.cells[notebook.cells.index(cell)] = text
    result = rebuilt(notebook)
    assert cell_of(result.notebook, "q2-softmax").cell_type == "code"
    assert sources(result, "q2-softmax") == [RIGHT]
    assert lines_about(result, "q2-softmax", "type")


@pytest.mark.parametrize("where", ["below", "above", "below an answer", "as code"])
def test_a_written_answer_in_a_new_cell_is_shown_to_the_grader(where):
    notebook = untouched(STUDY)
    at = place_of(notebook, "q4-comment")
    new = new_code_cell("# B is …") if where == "as code" else new_markdown_cell("B is …")
    if where == "below an answer":
        notebook.cells[at].source = "First of all,"
    notebook.cells.insert(at if where == "above" else at + 1, new)
    result = rebuilt(notebook, STUDY)
    assert "B is …" in result.answers["q4-comment"]
    assert ("First of all," in result.answers["q4-comment"]) == (where == "below an answer")
    assert lines_about(result, "q4-comment", "added")


def test_a_picture_in_a_written_answer_is_kept():
    notebook = untouched(STUDY)
    cell = cell_of(notebook, "q4-comment")
    cell.source = "![](attachment:a.png)"
    cell.attachments = {"a.png": {"image/png": "aaaa"}}
    result = rebuilt(notebook, STUDY)
    assert cell_of(result.notebook, "q4-comment").attachments == cell.attachments


def test_of_a_given_cell_only_imports_and_functions_are_kept():
    notebook = model(SGD)
    cell = next(cell for cell in notebook.cells if cell.id == "imports")
    given = cell.source
    cell.source += "\nimport itertools\nchecks.softmax = print"
    result = rebuilt(notebook)
    at = next(n for n, cell in enumerate(result.notebook.cells) if cell.id == "imports")
    assert result.notebook.cells[at].source == given
    assert result.notebook.cells[at + 1].source == "import itertools"


def test_rebuilding_twice_gives_the_same_notebook():
    notebook = model(SGD)
    notebook.cells.insert(5, new_markdown_cell("mine"))
    assert rebuilt(notebook).notebook == rebuilt(notebook).notebook


def test_the_release_is_left_as_it_was():
    before = copy.deepcopy(release().released[SGD])
    result = rebuild(SGD, model(SGD), release())
    cell_of(result.notebook, "q2-softmax").source = "changed"
    assert release().released[SGD] == before


# What of it runs


def test_answers_and_checks_run_and_what_they_use():
    exercises = [cell.id for cell in code_cells(untouched(SGD)) if nbgrader(cell)]
    assert needed(untouched(SGD)) == ["setup", "imports", *exercises]
    for name, claims in CLAIMS.items():
        assert claims <= {cell.id for cell in code_cells(untouched(name))}
    ids = needed(model(STUDY))
    # The answer to the choices uses X_fit and J*; a table of own runs takes these runs.
    assert {"example", "optimum"} < {*ids} and "my-table" not in ids
    claimed = needed_code(model(STUDY), CLAIMS[STUDY])
    assert "my_rows = " in " ".join(claimed.values()) and len(claimed) > len(ids)
    # A list that is filled in a loop is more than the line that makes it.
    ran = needed_code(model(TENSORFLOW), CLAIMS[TENSORFLOW])
    assert "parameters.append" in " ".join(ran.values())
    source = " ".join(needed_code(model(STUDY)).values())
    assert "X_fit, Y_fit, X_val, Y_val = " in source and "trial = " not in source
    assert not {"gradient-clouds", "grid", "runs", "q5-runs", "seconds", "my-figure"} & {*ids}


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ("counts = Y_train.sum(axis=0)", False),
        ("print(spread)", True),
        ("def f():\n    return [spread for each in clouds]", True),
        ("def f(spread):\n    return spread", False),
        ("spread = 1\nspread", False),
        ("spread += 1", True),
        ("spread[3] = 1", True),
        ("import helpers.support as spread", False),
        ("eval('spr' + 'ead')", True),
        ("%time spread", True),
    ],
)
def test_a_cell_of_the_release_runs_where_a_student_uses_its_names(source, runs):
    notebook = untouched(STUDY)
    check = place_of(notebook, "q3-best-rates-check")
    added = new_code_cell(source, metadata={"added": True})
    notebook.cells.insert(check, added)
    assert ("gradient-clouds" in needed(notebook)) == runs  # it defines spread
    assert added.id in needed(notebook) and "q5-runs" not in needed(notebook)

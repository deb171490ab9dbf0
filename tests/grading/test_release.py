"""The student edition: of tiny notebooks, refused where something is wrong, and the real one."""

import ast
import copy
import os
import re
import subprocess
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.preprocessors import IgnorePattern
from nbgrader.utils import compute_checksum, determine_grade

from grading import release
from grading.edition import leaks
from grading.edition.course import POINTS, configuration
from grading.exercises import points_by_question
from helpers.data import fetch_mnist
from tools.notebooks import NOT_INHERITED, ROOT

REPOSITORY = "some-body/sgd.course"
TABLE = {"01_code": {"Q1": 3}, "02_text": {"Q2": 2}}
FUNCTION = """def my_mean(values):
    \"\"\"Mean of some values.\"\"\"
    ### BEGIN SOLUTION
    total = sum(values)
    return total / len(values)
    ### END SOLUTION"""
CHECK = """checks.mean(my_mean)
### BEGIN HIDDEN TESTS
assert my_mean([1, 2, 3]) == 2
### END HIDDEN TESTS"""
TOP_LEVEL = """choices = {}
### BEGIN SOLUTION
choices = {1: 0.002}
### END SOLUTION
print(choices)"""
TEXT = """**Exercise.** What is a mean?

<!-- BEGIN SOLUTION -->
The sum divided by the number of values.

Rubric: one point for the sum, one for the number.
<!-- END SOLUTION -->

Two sentences are enough."""
SETUP = 'REPOSITORY = "owner/name"  # @param {type:"string"}\nprint("ready")'


def nbgrader(grade_id, **settings):
    metadata = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {**metadata, "grade_id": grade_id, "schema_version": 3, **settings}}


def answer(source, grade_id):
    settings = nbgrader(grade_id, solution=True, cell_type="code")
    return new_code_cell(source, metadata=settings, execution_count=2, id=grade_id)


def check(source, grade_id, points):
    settings = nbgrader(grade_id, grade=True, locked=True, points=points, cell_type="code")
    return new_code_cell(source, metadata=settings, execution_count=3, id=grade_id)


def by_hand(source, grade_id, points):
    settings = nbgrader(grade_id, grade=True, solution=True, points=points, cell_type="markdown")
    return new_markdown_cell(source, metadata=settings, id=grade_id)


def worked_notebooks():
    """Two notebooks with every kind of exercise, executed."""
    printed = new_output("stream", name="stdout", text="ready\n")
    setup = new_code_cell(SETUP, outputs=[printed], execution_count=1, id="setup")
    notebooks = {
        "01_code": [
            new_markdown_cell("# 1 · Code", id="title"),
            setup,
            answer(FUNCTION, "q1-mean"),
            check(CHECK, "q1-mean-check", 2),
            answer(TOP_LEVEL, "q1-choices"),
            check("checks.choices(choices)", "q1-choices-check", 1),
        ],
        "02_text": [
            new_markdown_cell("# 2 · Text", id="title"),
            copy.deepcopy(setup),
            by_hand(TEXT, "q2-words", 2),
        ],
    }
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "fingerprint": {"code cells": "0" * 64},
    }
    return {name: new_notebook(cells=cells, metadata=metadata) for name, cells in notebooks.items()}


def write(root, notebooks):
    for name, notebook in notebooks.items():
        nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def root(tmp_path):
    """A small checkout with much that is not for students."""
    files = """LICENSE Makefile README.md constraints.txt requirements-dev.txt requirements.txt
        tests/test_a.py docs/figure.png data/.gitignore data/MNIST/raw/images helpers/__init__.py
        helpers/engines/__init__.py helpers/__pycache__/a.pyc helpers/engines/__pycache__/a.py
        helpers/.ipynb_checkpoints/a.py notebooks/.ipynb_checkpoints/01_code.ipynb
        notebooks/notes.txt"""
    for name in files.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## 2.1.0\n\n## 2.0.0\n")
    write(tmp_path, worked_notebooks())
    return tmp_path


def make(root):
    return release.release(REPOSITORY, root, table=TABLE)


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def cells_of(folder, name):
    notebook = nbformat.read(folder / "notebooks" / f"{name}.ipynb", as_version=4)
    return {cell.id: cell for cell in notebook.cells}


# What a student gets


def test_folder_and_zip_hold_what_students_need_and_nothing_else(root):
    folder, archive = make(root)
    expected = {
        ".gitignore", "LICENSE", "README.md", "requirements.txt", "data/.gitignore",
        "helpers/__init__.py", "helpers/engines/__init__.py", "notebooks/01_code.ipynb",
        "notebooks/02_text.ipynb",
    }  # fmt: skip
    assert files_in(folder) == expected
    with zipfile.ZipFile(archive) as zipped:
        names = {name for name in zipped.namelist() if not name.endswith("/")}
    assert names == {f"sgd.course/{name}" for name in expected}


def test_nothing_is_written_but_the_folder_and_the_zip(root):
    before = files_in(root)
    folder, archive = make(root)
    assert (folder, archive) == (root / "build/release", root / "build/release.zip")
    assert {path.name for path in (root / "build").iterdir()} == {"release", "release.zip"}
    assert {name for name in files_in(root) if not name.startswith("build")} == before


def test_a_solution_becomes_a_stub_that_suits_its_place(root):
    folder, _ = make(root)
    code, text = cells_of(folder, "01_code"), cells_of(folder, "02_text")
    assert code["q1-mean"].source.split("\n") == [
        "def my_mean(values):",
        '    """Mean of some values."""',
        "    # Write your code here, in place of the next line.",
        "    checks.not_attempted()",
    ]
    assert code["q1-choices"].source == "choices = {}\n# Write your code here.\nprint(choices)"
    assert text["q2-words"].source.split("\n\n") == [
        "**Exercise.** What is a mean?",
        "*Write your answer here.*",
        "Two sentences are enough.",
    ]
    assert code["q1-mean-check"].source == "checks.mean(my_mean)"


def test_outputs_counts_and_fingerprints_are_gone(root):
    folder, _ = make(root)
    for name in TABLE:
        notebook = nbformat.read(folder / "notebooks" / f"{name}.ipynb", as_version=4)
        assert set(notebook.metadata) == {"assignment", "kernelspec", "language_info"}
        for cell in notebook.cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None


def test_nbgrader_can_grade_what_was_handed_out(root):
    folder, _ = make(root)
    for name, notebook in worked_notebooks().items():
        released = cells_of(folder, name)
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                metadata = dict(released[cell.id].metadata.nbgrader)
                assert metadata.pop("checksum") == compute_checksum(released[cell.id])
                assert metadata == cell.metadata.nbgrader
                assert released[cell.id].metadata.deletable is False


@pytest.mark.parametrize(
    ("output", "points"),
    [
        (new_output("stream", name="stdout", text="right\n"), 2),
        (new_output("stream", name="stderr", text="UserWarning: float64 copies\n"), 2),
        (new_output("error", ename="CheckFailed", evalue="not attempted"), 0),
    ],
)
def test_a_check_that_only_warns_keeps_its_points(output, points):
    cell = check("checks.mean(my_mean)", "q1-mean-check", 2)
    cell.outputs = [output]
    grader = IgnorePattern(config=configuration(ROOT, "build"))
    assert grader.enabled
    cell, _ = grader.preprocess_cell(cell, {}, 0)
    assert determine_grade(cell) == (points, 2)


def test_setup_cells_and_links_point_to_the_repository(root):
    folder, _ = make(root)
    for name in TABLE:
        first = cells_of(folder, name)["setup"].source.split("\n")[0]
        assert first == f'REPOSITORY = "{REPOSITORY}"  # @param {{type:"string"}}'
    readme = (folder / "README.md").read_text(encoding="utf-8")
    colab = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks"
    assert f"({colab}/01_code.ipynb)" in readme and f"({colab}/02_text.ipynb)" in readme
    assert f"git clone https://github.com/{REPOSITORY}`" in readme
    assert "[1 · Code](notebooks/01_code.ipynb) | Q1 | 3 |" in readme
    assert "There are 5 points." in readme and "$" not in readme


def test_the_version_and_a_link_to_colab_stand_below_every_title(root):
    folder, _ = make(root)
    for name, notebook in release.read_notebooks(folder).items():
        title, badge = notebook.cells[0].source.split("\n\n")
        assert title.startswith("# ") and badge.endswith(" Version 2.1.0")
        link = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{name}.ipynb"
        assert f"({link})" in badge
        assert notebook.metadata.assignment == {"repository": REPOSITORY, "version": "2.1.0"}
    assert "2.1.0" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_later_release_replaces_the_earlier_one(root):
    folder, _ = make(root)
    (folder / "old.txt").write_text("of the first")
    release.release("other/name", root, table=TABLE)
    assert "old.txt" not in files_in(folder)
    assert "other/name" in (folder / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in (root / "build").iterdir()} == {"release", "release.zip"}


def test_the_command_says_what_was_written_and_how_many_points(root, capfd):
    assert release.main([REPOSITORY], root, TABLE) == 0
    out, err = capfd.readouterr()
    assert str(root / "build/release") in out and str(root / "build/release.zip") in out
    assert re.search(r"01_code +3 +0\n02_text +0 +2\n", out)
    assert err == ""


# Refusals


def edit(notebooks, name, cell_id, old, new):
    (cell,) = [cell for cell in notebooks[name].cells if cell.id == cell_id]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def with_edit(name, cell_id, old, new):
    return lambda notebooks: edit(notebooks, name, cell_id, old, new)


def with_metadata(name, cell_id, **settings):
    def change(notebooks):
        (cell,) = [cell for cell in notebooks[name].cells if cell.id == cell_id]
        cell.metadata.nbgrader.update(settings)

    return change


def without_metadata(name, cell_id):
    def change(notebooks):
        (cell,) = [cell for cell in notebooks[name].cells if cell.id == cell_id]
        del cell.metadata["nbgrader"]

    return change


def without_metadata_and_markers(notebooks):
    without_metadata("01_code", "q1-mean")(notebooks)
    for line in "    ### BEGIN SOLUTION\n", "\n    ### END SOLUTION":
        edit(notebooks, "01_code", "q1-mean", line, "")


def with_attachment(notebooks):
    notebooks["02_text"].cells[-1]["attachments"] = {"a.png": {"image/png": "UE5H"}}


def with_an_answer_in_prose(notebooks):
    (cell,) = [cell for cell in notebooks["02_text"].cells if cell.id == "q2-words"]
    cell.source = cell.source.replace("<!-- BEGIN SOLUTION -->\n", "")
    cell.source = cell.source.replace("<!-- END SOLUTION -->\n", "")


def with_another_notebook(notebooks):
    notebooks["03_scratch"] = new_notebook(cells=[new_code_cell(SETUP)])


REFUSED = {
    "begin mistyped": (
        with_edit("01_code", "q1-mean", "BEGIN SOLUTION", "BEGIN SOLUTON"),
        ["01_code.ipynb", "cell 3 (q1-mean)", "### BEGIN SOLUTON", "'### BEGIN SOLUTION'"],
    ),
    "end mistyped": (
        with_edit("01_code", "q1-mean", "END SOLUTION", "END SOLUTIN"),
        ["q1-mean", "### END SOLUTIN", "BEGIN SOLUTION has no END SOLUTION"],
    ),
    "both mistyped": (
        with_edit("01_code", "q1-mean-check", "HIDDEN TESTS", "HIDDEN TEST"),
        ["q1-mean-check", "### BEGIN HIDDEN TEST'", "### END HIDDEN TEST'"],
    ),
    "lower case": (
        with_edit("01_code", "q1-mean-check", "### BEGIN HIDDEN TESTS", "### begin hidden tests"),
        ["q1-mean-check", "### begin hidden tests"],
    ),
    "one word": (
        with_edit("01_code", "q1-choices", "### BEGIN SOLUTION", "### SOLUTION"),
        ["q1-choices", "'### SOLUTION'"],
    ),
    "beside code": (
        with_edit("01_code", "q1-choices", "0.002}\n### END", "0.002}  ### END"),
        ["q1-choices", "choices = {1: 0.002}  ### END SOLUTION"],
    ),
    "comment mistyped": (
        with_edit("02_text", "q2-words", "<!-- BEGIN SOLUTION", "<!-- BEGIN SOLUTOIN"),
        ["02_text.ipynb", "q2-words", "<!-- BEGIN SOLUTOIN -->"],
    ),
    "marker of code in text": (
        with_edit("02_text", "q2-words", "<!-- END SOLUTION -->", "### END SOLUTION"),
        ["q2-words", "'<!-- END SOLUTION -->'"],
    ),
    "no begin": (
        with_edit("01_code", "q1-mean", "    ### BEGIN SOLUTION\n", ""),
        ["q1-mean", "END SOLUTION has no BEGIN SOLUTION"],
    ),
    "nested": (
        with_edit("01_code", "q1-mean", "    total", "    ### BEGIN SOLUTION\n    total"),
        ["q1-mean", "BEGIN SOLUTION stands inside of the region SOLUTION"],
    ),
    "answer without metadata": (
        without_metadata("01_code", "q1-mean"),
        ["01_code.ipynb, cell 3 (q1-mean)", "region SOLUTION", "no nbgrader metadata"],
    ),
    "check without metadata": (
        without_metadata("01_code", "q1-mean-check"),
        ["q1-mean-check", "region HIDDEN TESTS", "no nbgrader metadata"],
    ),
    "check without hidden tests or metadata": (
        without_metadata("01_code", "q1-choices-check"),
        ["01_code.ipynb", "2 points for Q1", "table has 3"],
    ),
    "answer without metadata and markers": (
        without_metadata_and_markers,
        ["01_code.ipynb", "q1-mean-check", "checks my_mean", "no cell marked as an answer"],
    ),
    "text without metadata": (
        without_metadata("02_text", "q2-words"),
        ["02_text.ipynb, cell 3 (q2-words)", "no nbgrader metadata"],
    ),
    "solution in a check": (
        with_edit("01_code", "q1-mean-check", "HIDDEN TESTS", "SOLUTION"),
        ["q1-mean-check", "does not make it an answer"],
    ),
    "hidden tests in an answer": (
        with_edit("01_code", "q1-choices", "SOLUTION", "HIDDEN TESTS"),
        ["q1-choices", "does not make it a check", "there is no solution"],
    ),
    "answer without a region": (
        with_edit("01_code", "q1-choices", TOP_LEVEL, "choices = {1: 0.002}"),
        ["q1-choices", "there is no solution after '### BEGIN SOLUTION'"],
    ),
    "text without a region": (with_an_answer_in_prose, ["q2-words", "there is no solution after"]),
    "an attached file": (with_attachment, ["q2-words", "attached files"]),
    "points": (
        with_metadata("01_code", "q1-mean-check", points=1),
        ["01_code.ipynb", "2 points for Q1", "table has 3"],
    ),
    "points of another question": (
        with_metadata("01_code", "q1-choices-check", grade_id="q2-choices-check"),
        ["01_code.ipynb", "1 points for Q2", "table has 0"],
    ),
    "no question": (
        with_metadata("01_code", "q1-mean", grade_id="mean"),
        ["01_code.ipynb", "(mean)", "does not begin with its question"],
    ),
    "an id twice": (
        with_metadata("02_text", "q2-words", grade_id="q1-mean"),
        ["02_text.ipynb", "also that of notebooks/01_code.ipynb, cell 3 (q1-mean)"],
    ),
    "metadata of nbgrader's past": (
        with_metadata("01_code", "q1-mean", schema_version=1),
        ["q1-mean", "not valid", "schema version"],
    ),
    "metadata in part": (
        with_metadata("01_code", "q1-mean", locked="yes"),
        ["q1-mean", "not valid", "'yes'"],
    ),
    "no repository": (
        with_edit("02_text", "setup", "REPOSITORY = ", "REPO = "),
        ["02_text.ipynb", 'one line REPOSITORY = "…"'],
    ),
    "a notebook too many": (with_another_notebook, ["03_scratch.ipynb", "not in the assignment"]),
    "a notebook too few": (
        lambda notebooks: notebooks.pop("02_text"),
        ["02_text.ipynb", "missing"],
    ),
}


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_the_earlier_one_stays(root, capfd, change, words):
    make(root)
    before = content(root / "build")
    notebooks = worked_notebooks()
    change(notebooks)
    for path in (root / "notebooks").glob("*.ipynb"):
        path.unlink()
    write(root, notebooks)
    assert release.main([REPOSITORY], root, TABLE) == 1
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("No student edition was made")
    for word in words:
        assert word in err
    assert content(root / "build") == before


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("ClearSolutions", ["(q1-mean)", "a line of the solution is left: total = sum(values)"]),
        ("ClearSolutions", ["(q2-words)", "solution is left: Rubric: one point for the sum"]),
        (
            "ClearHiddenTests",
            ["(q1-mean-check)", "hidden tests is left: assert my_mean([1, 2, 3])"],
        ),
        ("ClearOutput", ["(setup)", "its output is left", "its execution count is left"]),
        ("ClearMetadataPreprocessor", ["01_code.ipynb: 'fingerprint' is left"]),
        ("ComputeChecksums", ["(q1-mean)", "has no checksum"]),
        ("SetRepository", ["REPOSITORY is not some-body/sgd.course"]),
    ],
)
def test_it_is_refused_when_a_step_of_nbgrader_does_nothing(root, monkeypatch, step, words):
    def broken(*arguments, **settings):
        config = configuration(*arguments, **settings)
        config[step].enabled = False
        return config

    monkeypatch.setattr(release, "configuration", broken)
    with pytest.raises(release.Refused) as refusal:
        make(root)
    for word in words:
        assert word in str(refusal.value)
    assert list((root / "build").iterdir()) == []


def test_what_nbgrader_itself_refuses_is_passed_on(root, monkeypatch):
    def broken(*arguments, **settings):
        config = configuration(*arguments, **settings)
        config.ClearSolutions.code_stub = {"R": "fail()"}
        return config

    monkeypatch.setattr(release, "configuration", broken)
    with pytest.raises(release.Refused, match="language 'python' has not been specified"):
        make(root)


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("", "there is none"),
        ("name", "'name' does not look like that"),
        ("a/b/c", "'a/b/c' does not look like that"),
        ("https://github.com/owner/name", "'https://github.com/owner/name' does not"),
        ("owner/name.git", "does not look like that"),
        ("owner/..", "does not look like that"),
        ('owner/na"me', "does not look like that"),
        ("ow ner/name", "does not look like that"),
        ("owner/name\n", "does not look like that"),
        ("-owner/name", "does not look like that"),
    ],
)
def test_a_repository_must_be_owner_and_name(root, capsys, repository, words):
    arguments = ["--", repository] if repository else []
    assert release.main(arguments, root) == 1
    err = capsys.readouterr().err
    assert words in err and "make release REPO=owner/name" in err
    assert not (root / "build").exists()


# What is left in notebooks that somebody else made


@pytest.fixture
def released(root):
    """The notebooks of a release that nothing is wrong with."""
    folder, _ = make(root)
    notebooks = release.read_notebooks(folder)
    assert leaks.findings(worked_notebooks(), notebooks, REPOSITORY) == []
    return notebooks


def append(name, cell):
    return lambda notebooks: notebooks[name].cells.append(cell)


def in_metadata(notebooks):
    notebooks["01_code"].cells[1].metadata["note"] = ["x", "  choices  = {1: 0.002}\n"]


def without_exercise(notebooks):
    del notebooks["01_code"].cells[2]


RUBRIC = "Rubric: one point for the sum, one for the number."
CELLS = {
    "the solution": new_code_cell("  total = sum(values)", id="x"),
    "the rubric": new_markdown_cell(RUBRIC, id="x"),
    "hidden tests": new_code_cell("assert my_mean([1, 2, 3]) == 2", id="x"),
    "a count": new_code_cell("1", execution_count=1, id="x"),
    "a marker": new_code_cell("# BEGIN SOLUTON\n1", id="x"),
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (append("02_text", CELLS["the solution"]), "(x): a line of the solution is left: total"),
        (append("02_text", CELLS["the rubric"]), "(x): a line of the solution is left: Rubric"),
        (append("01_code", CELLS["hidden tests"]), "(x): a line of the hidden tests is left"),
        (append("01_code", CELLS["a count"]), "(x): its execution count is left"),
        (append("01_code", CELLS["a marker"]), "(x): a marker is left: # BEGIN SOLUTON"),
        (in_metadata, "(setup): a line of the solution is left outside of its text"),
        (without_exercise, "(q1-mean): this exercise is gone"),
        (with_metadata("01_code", "q1-mean-check", points=5), "(q1-mean-check): its nbgrader"),
        (with_edit("01_code", "q1-choices", "# Write your code here.", ""), "where to write"),
        (lambda notebooks: notebooks.pop("02_text"), "02_text.ipynb was not made"),
    ],
)
def test_what_is_left_is_found(released, change, words):
    change(released)
    found = leaks.findings(worked_notebooks(), released, REPOSITORY)
    assert any(words in line for line in found), found


def test_a_line_that_may_be_shown_is_found_only_if_it_is_there_once_more(released):
    worked = worked_notebooks()
    for notebooks in worked, released:
        append("02_text", new_code_cell("total = sum(values)", id="x"))(notebooks)
    assert leaks.findings(worked, released, REPOSITORY) == []
    append("02_text", new_code_cell("total = sum(values)", id="y"))(released)
    assert any("(y)" in line for line in leaks.findings(worked, released, REPOSITORY))


# The real one


@pytest.fixture(scope="module")
def student_edition(tmp_path_factory):
    folder, _ = release.release("owner/name", ROOT, build=tmp_path_factory.mktemp("build"))
    return folder


@pytest.fixture(scope="module")
def worked_edition():
    return release.read_notebooks(ROOT)


def table_rows(text):
    """The rows of Markdown tables, as lists of their columns."""
    rows = [line.strip("| ").split("|") for line in text.split("\n") if line.startswith("|")]
    return [[column.strip() for column in row] for row in rows]


def test_the_table_of_points_is_that_of_the_assignment(worked_edition):
    assert sum(sum(points.values()) for points in POINTS.values()) == 20
    for name, notebook in worked_edition.items():
        checked, by_hand = points_by_question(notebook)
        assert {q: checked.get(q, 0) + by_hand.get(q, 0) for q in POINTS[name]} == POINTS[name]


def test_every_check_of_code_has_a_hidden_test(worked_edition):
    cells = {cell.id: cell.source for nb in worked_edition.values() for cell in nb.cells}
    checks = {key: source for key, source in cells.items() if key.endswith("-check")}
    del checks["q3-choices-check"]  # which trains with what was chosen: no answer is known
    for key, source in checks.items():
        (name,) = re.findall(r"^checks\.(\w+)\(", source, re.MULTILINE)
        assert f"\nhidden_tests.{name}(" in source.split("### BEGIN HIDDEN TESTS")[1], key


def test_every_notebook_opens_with_its_points(worked_edition):
    for name, notebook in worked_edition.items():
        stated = dict.fromkeys(POINTS[name], 0)
        for question, points in table_rows(notebook.cells[0].source)[2:]:
            stated[question[:2]] += float(re.match(r"[\d.]+", points)[0])  # 4 (the step 2, …)
        assert stated == POINTS[name], name


def test_the_readme_has_the_points_of_the_notebooks(worked_edition):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    teaching = (ROOT / "grading" / "README.md").read_text(encoding="utf-8")
    rows = table_rows(readme) + table_rows(teaching)
    by_notebook = {row[0]: row[2] for row in rows if "](notebooks/" in row[0]}
    for name, points in POINTS.items():
        (stated,) = [value for link, value in by_notebook.items() if f"/{name}.ipynb" in link]
        assert float(stated.replace("–", "0")) == sum(points.values())
    by_question = {row[0]: row[1:3] for row in rows if re.fullmatch(r"Q\d", row[0])}
    for name, notebook in worked_edition.items():
        checked, by_hand = points_by_question(notebook)
        for question in POINTS[name]:
            stated = [float(value) for value in by_question[question]]
            assert stated == [checked.get(question, 0), by_hand.get(question, 0)], question
    # Of what checks score, only the choices of Q3 have no twin.
    cells = {cell.id: cell for cell in worked_edition["03_batch_size_study"].cells}
    choices = cells["q3-choices-check"].metadata.nbgrader.points
    shown = sum(sum(points_by_question(nb)[0].values()) for nb in worked_edition.values()) - choices
    total = sum(sum(points.values()) for points in POINTS.values())
    copied = f"{shown:g} of the {total:g} points can be had by copying."
    assert f"{copied} The other {total - shown:g}" in teaching


def test_nothing_of_the_worked_edition_is_in_the_student_edition(student_edition, worked_edition):
    text = "\n".join(cell.source for nb in worked_edition.values() for cell in nb.cells)
    region = r"^ *(?:###|<!--) BEGIN ([A-Z ]+?)(?: -->)?$(.*?)^ *(?:###|<!--) END \1(?: -->)?$"
    hidden = re.findall(region, text, re.DOTALL | re.MULTILINE)
    assert len(hidden) == len(re.findall("BEGIN (?:SOLUTION|HIDDEN TESTS)", text)) >= 10
    visible = re.sub(region, "", text, flags=re.DOTALL | re.MULTILINE)
    secrets = {line.strip() for _, lines in hidden for line in lines.split("\n")}
    secrets -= {line.strip() for line in visible.split("\n")}
    for path in (student_edition / "notebooks").iterdir():
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert not secrets & {line.strip() for line in cell.source.split("\n")}
            assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN|MARK)", cell.source)
            assert not cell.get("outputs") and cell.get("execution_count") is None
        assert "fingerprint" not in notebook.metadata


def test_the_version_is_the_same_wherever_it_stands(student_edition):
    version = release.current_version(ROOT)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version {version}" in (student_edition / "README.md").read_text(encoding="utf-8")


def test_students_get_no_file_of_instructors(student_edition):
    top = {path.name for path in student_edition.iterdir()}
    assert top == {
        ".gitignore", "LICENSE", "README.md", "data", "helpers", "notebooks", "requirements.txt"
    }  # fmt: skip
    assert all(name.endswith(".py") for name in files_in(student_edition / "helpers")) and files_in(
        student_edition / "data"
    ) == {".gitignore"}
    assert {path.stem for path in (student_edition / "notebooks").iterdir()} == set(POINTS)


def test_links_of_the_student_edition_lead_somewhere(student_edition):
    pages = {student_edition / "README.md": (student_edition / "README.md").read_text("utf-8")}
    for path in (student_edition / "notebooks").iterdir():
        cells = nbformat.read(path, as_version=4).cells
        pages[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for path, text in pages.items():
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            assert link.startswith("https://") or (path.parent / link).exists(), (path.name, link)


def test_nothing_a_student_gets_needs_the_instructors_tools(student_edition):
    sources = {path: path.read_text("utf-8") for path in student_edition.rglob("helpers/**/*.py")}
    assert sources
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.split(".")[0] for name in names}
            assert not roots & {"grading", "tools", "tests", "nbgrader"}, path
    for path in (student_edition / "notebooks").iterdir():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert not re.search(r"(import|from) (grading|tools|tests|nbgrader)\b", cell.source)


def test_make_release_runs_the_command():
    outcome = subprocess.run(
        ["make", "--dry-run", "release", "REPO=owner/name"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '-m grading.release "owner/name"' in outcome.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",  # without exercises it is the worked edition once more
    [name if points else pytest.param(name, marks=pytest.mark.thorough)
     for name, points in POINTS.items()],
)  # fmt: skip
def test_unanswered_exercises_are_not_attempted_and_nothing_else_fails(student_edition, name):
    path = student_edition / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    environment = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    data = fetch_mnist() / "MNIST" / "raw"
    client.execute(
        env={**environment, "MNIST_DIR": str(data), "STUDY_CACHE": os.environ["STUDY_CACHE"]}
    )
    errors = {
        cell.id: f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    }
    unexpected = {
        place: error
        for place, error in errors.items()
        if not (error.startswith("CheckFailed") and "not attempted" in error)
    }
    assert not unexpected
    metadata = {cell.id: cell.metadata.get("nbgrader", {}) for cell in notebook.cells}
    checks = {key for key, value in metadata.items() if value.get("locked") and value["grade"]}
    assert bool(checks) == bool(POINTS[name])
    assert checks <= errors.keys(), "a check says nothing of an unanswered exercise"

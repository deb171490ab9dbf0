"""nbgrader's gradebook: what is written there, and what graders give in formgrader, comes back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.by_hand.written import Given, merged, remembered, written_answers
from grading.by_hand.gradebook import ASSIGNMENT, points_in_gradebook, write_gradebook
from grading.giving_back.grades import standings
from grading.records import Student, Submission
from tests.grading.build import (
    as_bytes, graded_quickly, model_answers, model_submission, answered, release,
)  # fmt: skip

pytestmark = pytest.mark.slow
STUDY = "03_batch_size_study"


def batch(*changed):
    """Standings and answers of one student, whose Q4 may be another."""
    notebooks = model_submission()
    if changed:
        text = dict(model_answers(STUDY), **{"q4-comment": changed[0]})
        notebooks[STUDY] = as_bytes(answered(STUDY, text))
    submission = Submission("ada", (Student("Ada"),), notebooks)
    return submission, {"ada": graded_quickly(submission)}


def written(folder, url, *changed, given=None):
    submission, results = batch(*changed)
    found = standings([submission], results, {}, given or {}, release())
    write_gradebook(folder, url, found, given or {}, release())
    return written_answers(results, release())


def give(url, grade_id, notebook, points=None, comment="", extra=None):
    """What formgrader stores when a person enters points, or a comment below an answer."""
    with Gradebook(url) as book:
        if points is not None or extra is not None:
            grade = book.find_grade(grade_id, notebook, ASSIGNMENT, "ada")
            grade.manual_score, grade.extra_credit = points, extra
            grade.needs_manual_grade = False
        if comment:
            answer = grade_id.removesuffix("-check")
            book.find_comment(answer, notebook, ASSIGNMENT, "ada").manual_comment = comment
        book.db.commit()


def postgresql(folder):
    """URL of a server that is started for this test; it skips where none can be."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    tools = str(found[-1].parent) if found else os.path.dirname(shutil.which("initdb") or "")
    if not tools:
        pytest.skip("no PostgreSQL server is installed")
    # A server refuses to run as root.
    as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    as_other = as_other if os.geteuid() == 0 else []
    if as_other:
        os.chown(folder, 65534, 65534)
    run = lambda *command: subprocess.run(  # noqa: E731
        [*as_other, *command], capture_output=True, text=True, cwd=folder, timeout=120
    )
    data = str(folder / "data")
    made = run(f"{tools}/initdb", "-D", data, "-U", "grader", "-A", "trust")
    options = f"-c listen_addresses='' -k {folder}"
    started = run(f"{tools}/pg_ctl", "-D", data, "-w", "-o", options, "-l", f"{data}/log", "start")
    if made.returncode or started.returncode:
        pytest.skip(f"no PostgreSQL server can be started: {made.stderr} {started.stderr}")
    return f"postgresql+psycopg://grader@/postgres?host={folder}", lambda: run(
        f"{tools}/pg_ctl", "-D", data, "-m", "immediate", "stop"
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gradebook.db'}"
        return
    # A socket's path has at most 107 characters, and a parent must let the other user in.
    place = Path("/tmp", f"grading-{os.getpid()}")
    place.mkdir()
    try:
        address, stop = postgresql(place)
        yield address
        stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_points_given_in_formgrader_come_back_and_follow_the_answer(tmp_path, url):
    answers = written(tmp_path, url)
    assert set(points_in_gradebook(url, ["ada"], release()).values()) == {None}
    before = remembered({}, answers)
    give(url, "q4-comment", STUDY, 0.75, "More numbers.")
    given, remarks = merged(
        {}, points_in_gradebook(url, ["ada"], release()), answers, before, set()
    )
    assert given == {("ada", "q4-comment"): Given(0.75, "More numbers.")} and not remarks

    before = remembered(given, written(tmp_path, url, given=given))
    changed = written(tmp_path, url, "Another text.", given=given)
    book = points_in_gradebook(url, ["ada"], release())
    given, remarks = merged({}, book, changed, before, set())
    assert given == {} and "stale" in remarks[0]


@pytest.mark.parametrize(
    ("stored", "points", "message"),
    [
        (dict(points=0.5), 0.5, ""),
        (dict(points=0.5, comment="Nearly."), 0.5, "Nearly."),
        (dict(comment="Well done."), 1.0, "Well done."),
        (dict(extra=0.25), 1.25, ""),
    ],
)
def test_what_is_given_on_a_check_comes_back_until_it_is_handed_in_again(
    tmp_path, url, stored, points, message
):
    answers = written(tmp_path, url)
    give(url, "q2-loss-check", "02_hand_coded_sgd", **stored)
    submission, results = batch()
    for _ in range(2):  # also in the run after the next
        book = points_in_gradebook(url, ["ada"], release())
        given, _ = merged({}, book, answers, {}, set())
        (standing,) = standings([submission], results, {}, given, release())
        (verdict,) = [v for v in standing.verdicts if v.grade_id == "q2-loss-check"]
        assert (verdict.points, verdict.message) == (points, message)
        written(tmp_path, url, given=given)
    given, remarks = merged({}, book, answers, {}, {"ada"})
    assert given == {} and "q2-loss-check: handed in again" in remarks[0]
    written(tmp_path, url)
    assert set(points_in_gradebook(url, ["ada"], release()).values()) == {None}


def test_a_comment_that_waits_for_its_points_stays(tmp_path, url):
    answers = written(tmp_path, url)
    give(url, "q4-comment", STUDY, comment="First thought.")
    for _ in range(2):
        given, _ = merged({}, points_in_gradebook(url, ["ada"], release()), answers, {}, set())
        assert given == {}
        written(tmp_path, url)
    give(url, "q4-comment", STUDY, 1.0)
    book = points_in_gradebook(url, ["ada"], release())
    assert book["ada", "q4-comment"] == Given(1.0, "First thought.")


@pytest.mark.parametrize(
    ("sheet", "book", "last", "expected", "conflict"),
    [
        (1, 1, 1, 1, False),
        (0.5, 1, 1, 0.5, False),
        (1, 0.5, 1, 0.5, False),
        (None, 1, 1, None, False),
        (1, None, 1, None, False),
        (0.5, 0.25, 1, 0.5, True),
        (None, 1, None, 1, False),
        (1, None, None, 1, False),
    ],
)
def test_of_sheet_and_gradebook_what_changed_counts(sheet, book, last, expected, conflict):
    _, results = batch()
    answers = [a for a in written_answers(results, release()) if a.question == "Q4"]
    place = ("ada", "q4-comment")

    def entry(points):
        return {} if points is None else {place: Given(points)}

    before = remembered(entry(last), answers)
    in_book = {place: None if book is None else Given(book)}
    given, remarks = merged(entry(sheet), in_book, answers, before, set())
    assert given == entry(expected) and bool(remarks) == conflict


def test_equal_answers_have_the_points_that_one_of_them_was_given():
    _, results = batch()
    answers = written_answers({"ada": results["ada"], "bob": results["ada"]}, release())
    book = {("ada", "q4-comment"): Given(0.5), ("bob", "q4-comment"): None}
    given, remarks = merged({}, book, answers, remembered({}, answers), set())
    assert given == dict.fromkeys(book, Given(0.5)) and not remarks


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://a@127.0.0.1:1/b", "no url", "postgres://a/b"]
)
def test_a_gradebook_that_cannot_be_opened_is_said_in_words(url):
    with pytest.raises(ValueError, match="gradebook cannot be used"):
        points_in_gradebook(url, ["ada"], release())


def test_formgrader_finds_the_notebooks_and_what_is_to_be_graded(tmp_path, url):
    written(tmp_path, url)
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = url
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    assert api.get_assignments()[0]["name"] == ASSIGNMENT
    by_name = {each["name"]: each for each in api.get_notebooks(ASSIGNMENT)}
    assert by_name[STUDY]["num_submissions"] == 1 and by_name[STUDY]["needs_manual_grade"]
    (submission,) = api.get_notebook_submissions(ASSIGNMENT, STUDY)
    assert submission["student"] == "ada" and submission["code_score"] > 0

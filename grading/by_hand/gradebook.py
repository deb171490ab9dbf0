"""nbgrader's gradebook: the same points in its database, so that formgrader opens on the answers.

`jupyter lab` in the folder, with nbgrader's extension, shows each notebook as it ran. Points that
are given there come back in the next run.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from grading.by_hand.written import Given
from grading.exercises import nbgrader
from grading.giving_back.grades import Standing
from grading.records import Release
from grading.tables import write_text

ASSIGNMENT = "notebooks"
CONFIGURATION = """# Made by `make grade`: start `jupyter lab` here, and open Nbgrader → Formgrader.
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.db_url = {url!r}
"""


def points_in_gradebook(url: str, keys: list[str], release: Release) -> dict:
    """By key of the submission and grade id, what a person gave there: `Given`, or None so far.

    A comment comes back with its points, and one on the answer to a check also without any.

    Parameters
    ----------
    url : str
        Of the database, as sqlite:///path or postgresql://…
    keys : list of str
    release : Release
    """
    given = {}
    with _opened(url) as book:
        for key in keys:
            for exercise in release.exercises:
                place = (exercise.grade_id, exercise.notebook, ASSIGNMENT, key)
                try:
                    grade = book.find_grade(*place)
                except MissingEntry:
                    continue
                has_points = grade.manual_score is not None or grade.extra_credit
                texts = [each.manual_comment for each in _comments(book, exercise, key)]
                comment = "\n".join(filter(None, texts))
                has_any = has_points or (comment and not exercise.by_hand)
                entry = Given(grade.score if has_points else None, comment) if has_any else None
                given[key, exercise.grade_id] = entry
    return given


def _comments(book, exercise, key):
    """What formgrader shows below each answer that an exercise looks at."""
    place = (exercise.notebook, ASSIGNMENT, key)
    return [book.find_comment(answer, *place) for answer in exercise.answers]


def write_gradebook(
    folder: Path, url: str, found: list[Standing], given: Mapping, release: Release
) -> None:
    """Write all points into the database, and the notebooks to where formgrader looks for them.

    Parameters
    ----------
    folder : pathlib.Path
        Of an nbgrader course.
    url : str
    found : list of Standing
    given : dict
        Points given by a person, by key and grade id.
    release : Release
    """
    write_text(
        folder / "nbgrader_config.py", CONFIGURATION.format(root=str(folder.resolve()), url=url)
    )
    for name, notebook in release.worked.items():
        write_text(folder / "source" / ASSIGNMENT / f"{name}.ipynb", nbformat.writes(notebook))
    with _opened(url) as book:
        _describe(book, release)
        for standing in found:
            if standing.result:
                _write_submission(book, standing, given, release)
                place = folder / "autograded" / standing.submission.key / ASSIGNMENT
                for name, notebook in standing.result.graded.ran.items():
                    write_text(place / f"{name}.ipynb", nbformat.writes(notebook))


@contextlib.contextmanager
def _opened(url):
    """A gradebook; nbgrader starts alembic for a new one, which lies beside this Python."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), path])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own, about autoflush
            with Gradebook(url) as book:
                yield book
    except (SQLAlchemyError, ImportError) as error:  # no such server, base or driver
        raise ValueError(f"nbgrader's gradebook cannot be used: {error}") from None
    finally:
        os.environ["PATH"] = path


def _describe(book, release):
    """The assignment with its notebooks and cells."""
    book.update_or_create_assignment(ASSIGNMENT)
    for name, notebook in release.released.items():
        book.update_or_create_notebook(name, ASSIGNMENT)
        for cell in notebook.cells:
            metadata = nbgrader(cell)
            if not metadata:
                continue
            place = (metadata["grade_id"], name, ASSIGNMENT)
            if metadata.get("grade"):
                book.update_or_create_grade_cell(
                    *place, max_score=float(metadata["points"]), cell_type=cell.cell_type
                )
            if metadata.get("solution"):
                book.update_or_create_solution_cell(*place)
            book.update_or_create_source_cell(
                *place,
                cell_type=cell.cell_type,
                locked=bool(metadata.get("locked")),
                source=cell.source,
                checksum=metadata.get("checksum"),
            )


def _write_submission(book, standing, given, release):
    submission = standing.submission
    student = submission.students[0]
    first, _, last = standing.name.rpartition(" ")
    book.update_or_create_student(
        submission.key, first_name=first, last_name=last, email=student.email or None
    )
    book.update_or_create_submission(ASSIGNMENT, submission.key, timestamp=submission.submitted)
    verdicts = {verdict.grade_id: verdict for verdict in standing.result.graded.verdicts}
    for exercise in release.exercises:
        grade_id = exercise.grade_id
        if grade_id not in verdicts:
            continue
        entry = given.get((submission.key, grade_id))
        grade = book.find_grade(grade_id, exercise.notebook, ASSIGNMENT, submission.key)
        had_points = grade.manual_score is not None
        grade.auto_score = verdicts[grade_id].points
        grade.manual_score = entry.points if entry else None
        grade.extra_credit = None  # it is part of the points that were brought back
        grade.needs_manual_grade = grade.auto_score is None and grade.manual_score is None
        for comment in _comments(book, exercise, submission.key):
            if entry and exercise.by_hand:
                comment.manual_comment = entry.comment
            elif not entry and (had_points or not exercise.by_hand):  # it was on another answer
                comment.manual_comment = None
    book.db.commit()

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
from sqlalchemy.exc import SAWarning

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
                given[key, exercise.grade_id] = None
                if grade.manual_score is not None:
                    comment = ""
                    if exercise.by_hand:
                        comment = book.find_comment(*place).manual_comment or ""
                    points = grade.manual_score + (grade.extra_credit or 0)
                    given[key, exercise.grade_id] = Given(points, comment)
    return given


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
    notebook_of = {exercise.grade_id: exercise.notebook for exercise in release.exercises}
    by_hand = {exercise.grade_id for exercise in release.exercises if exercise.by_hand}
    for verdict in standing.result.graded.verdicts:
        place = (verdict.grade_id, notebook_of[verdict.grade_id], ASSIGNMENT, submission.key)
        entry = given.get((submission.key, verdict.grade_id))
        grade = book.find_grade(*place)
        grade.auto_score = verdict.points
        grade.manual_score = entry.points if entry else None
        grade.extra_credit = None  # it is part of the points that were brought back
        grade.needs_manual_grade = verdict.points is None and entry is None
        if verdict.grade_id in by_hand:
            comment = book.find_comment(*place)
            comment.manual_comment = entry.comment if entry else None
    book.db.commit()

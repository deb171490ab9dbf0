"""A filled copy of the sheet that a platform handed out, and the archive of feedback it takes back.

Only cells of points and comments change. A row keeps what it has if its student is not in the
batch or has a notebook that was refused: an empty or preliminary cell would overwrite a grade.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grading.giving_back.grades import Standing
from grading.handed_in.layouts import BRIGHTSPACE, CANVAS, CANVAS_ANONYMOUS, MOODLE
from grading.records import Release, Student
from grading.tables import harmless, number, read_csv, write_text


class NoSheet(Exception):
    """This is no sheet that can be filled; the message says what is missing."""


def fill(
    sheet: Path, folder: Path, found: list[Standing], release: Release, column: str = ""
) -> tuple[Path, list[str]]:
    """Fill a copy of a platform's sheet.

    Parameters
    ----------
    sheet : pathlib.Path
        As it was downloaded from Moodle, Canvas or Brightspace.
    folder : pathlib.Path
        Where the copy goes, under its own name.
    found : list of Standing
    release : Release
    column : str
        The one of the points, if the sheet does not make it plain.

    Returns
    -------
    path : pathlib.Path
    remarks : list of str
        Rows that were left as they were, and students without a row.

    Raises
    ------
    NoSheet
    """
    names, rows, how = read_csv(sheet)
    if column and column not in names:
        raise NoSheet(f"The sheet has no column {column!r}, only {', '.join(names)}.")
    rules = _rules(names, rows, column)
    most = sum(exercise.max_points for exercise in release.exercises)
    students = [(student, each) for each in found for student in each.submission.students]
    remarks, filled = [], 0
    for student, standing in students:
        row = rules.row_of(student)
        name = student.name or student.id
        if row is None:
            remarks.append(f"{name} has no row in {sheet.name}.")
            continue
        largest = rules.largest(row)
        if standing.total is None:
            remarks.append(f"{name}: nothing is graded; the row is left as it was.")
        elif standing.is_refused:
            remarks.append(f"{name}: something was refused; the row is left as it was.")
        elif not rules.is_open(row):
            remarks.append(f"{name}: the sheet says that this grade cannot be changed.")
        elif standing.total > largest:
            remarks.append(
                f"{name}: {number(standing.total)} points are more than the {number(largest)} of "
                "the sheet, which the platform would skip silently."
            )
        else:
            filled += 1
            row[rules.points] = number(standing.total)
            if rules.comment is not None:
                row[rules.comment] = harmless(_comment(standing))
            if standing.waiting:
                remarks.append(
                    f"{name}: {number(standing.total)} is preliminary, "
                    f"{', '.join(standing.waiting)} is still to be graded by hand."
                )
            if largest not in (most, float("inf")):
                scale = f"The sheet has {number(largest)} points, the assignment {number(most)}."
                remarks += [scale] if scale not in remarks else []
    path = folder / sheet.name
    if path.resolve() == sheet.resolve():
        raise NoSheet(f"{sheet} is in the folder of results; fill a copy from somewhere else.")
    encoding, text = how.pop("encoding"), io.StringIO()
    csv.writer(text, **how).writerows([names, *rows])
    write_text(path, text.getvalue(), encoding)
    return path, [f"{filled} rows of {len(students)} were filled.", *remarks]


def write_archive(path: Path, found: list[Standing], feedback: Path) -> list[str]:
    """The feedback of all students in a zip, named as each platform's importer wants it.

    Moodle and Brightspace know the student by the folder, Canvas by the beginning of the file.
    """
    names = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for standing in found:
            place = _place(standing.submission.entries)
            for page in sorted((feedback / standing.submission.key).glob("*.html")):
                names.append(f"{place}{page.name}")
                archive.write(page, names[-1])
    return names


def _place(entries):
    """What stands before the names of a student's files."""
    entries = [entry for entry in entries if "_onlinetext" not in entry] or list(entries)
    entry = max(entries, default="")
    flat = re.match(r"(.*_assignsubmission_file_).+", entry, re.DOTALL)
    if MOODLE.fullmatch(entry) and flat:
        return flat[1]
    canvas = CANVAS_ANONYMOUS.fullmatch(entry) or CANVAS.fullmatch(entry)
    if canvas and not BRIGHTSPACE.fullmatch(entry):
        return entry[: canvas.end("attempt")] + "_"
    return f"{entry}/"


@dataclass(frozen=True)
class _Rules:
    """Of one platform: places of the columns to fill, and what is to be known of its rows."""

    points: int
    comment: int | None
    row_of: Callable[[Student], list[str] | None]
    largest: Callable[[list[str]], float] = lambda row: float("inf")
    is_open: Callable[[list[str]], bool] = lambda row: True


def _rules(names, rows, column):
    if "Student" in names and "ID" in names:
        return _canvas(names, rows, column)
    if "End-of-Line Indicator" in names or "OrgDefinedId" in names:
        return _brightspace(names, rows, column)
    return _moodle(names, rows, column)


def _moodle(names, rows, column):
    # Column names may be translated; the first one has "Participant <id>" in each language.
    participants = {found[0]: row for row in rows if (found := re.findall(r"\d+$", row[0]))}
    target = column or ("Grade" if "Grade" in names else "")
    if not participants or not target:
        raise NoSheet(
            "No sheet of Moodle, Canvas or Brightspace is known with the columns "
            f"{', '.join(names)}. If it is one of Moodle in another language, name the one of the "
            "points with --column."
        )

    def row_of(student):
        if student.id in participants:
            return participants[student.id]
        keys = {"ID number": student.id, "Email address": student.email, "Full name": student.name}
        return _row_by(names, rows, keys)

    def largest(row):
        try:
            return float(row[names.index("Maximum grade")].replace(",", "."))
        except ValueError:
            return float("inf")

    def is_open(row):
        return (
            "Grade can be changed" not in names or row[names.index("Grade can be changed")] != "No"
        )

    comment = names.index("Feedback comments") if "Feedback comments" in names else None
    return _Rules(names.index(target), comment, row_of, largest, is_open)


def _canvas(names, rows, column):
    titles = [name for name in names if re.search(r"\(\d+\)$", name)]
    target = column or (titles[0] if len(titles) == 1 else "")
    if not target:
        raise NoSheet(f"Name the assignment with --column, one of: {', '.join(titles) or 'none'}.")

    def row_of(student):
        keys = {"ID": student.id, "SIS User ID": student.id, "SIS Login ID": student.id}
        return _row_by(names, rows, keys | {"Student": student.name})

    return _Rules(names.index(target), None, row_of)  # it takes more points than are possible


def _brightspace(names, rows, column):
    grades = [name for name in names if "Points Grade" in name]
    target = column or (grades[0] if len(grades) == 1 else "")
    if not target:
        raise NoSheet(f"Name the column of points with --column, one of: {', '.join(grades)}.")
    found = re.search(r"MaxPoints:([\d.]+)", target)

    def row_of(student):
        keys = {"OrgDefinedId": student.id, "Username": student.id, "Email": student.email}
        row = _row_by(names, rows, keys)
        if row or not {"First Name", "Last Name"} <= set(names):
            return row
        first, last = names.index("First Name"), names.index("Last Name")
        named = [row for row in rows if f"{row[first]} {row[last]}" == student.name]
        return named[0] if len(named) == 1 else None

    return _Rules(
        names.index(target), None, row_of, lambda row: float(found[1]) if found else float("inf")
    )


def _row_by(names, rows, keys):
    """The one row with one of these values; a leading # is Brightspace's."""
    for name, value in keys.items():
        if value and name in names:
            at = names.index(name)
            found = [row for row in rows if row[at].lstrip("#") == value]
            if len(found) == 1:
                return found[0]
    return None


def _comment(standing):
    parts = [
        f"{each.question}: {'by hand' if each.points is None else number(each.points)} of "
        f"{number(each.max_points)}" + (f" ({each.mistake})" if each.mistake else "")
        for each in standing.verdicts
    ]
    return "; ".join(parts)

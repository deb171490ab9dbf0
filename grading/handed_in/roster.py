"""Names from a list of the course: `--roster file.csv`."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rapidfuzz import fuzz, process

from grading.records import Student, Submission
from grading.tables import read_csv

# Column names of the platforms' own exports, in lower case.
NAMES = ("name", "full name", "student", "student name")
IDS = ("id", "student id", "id number", "sid", "sis user id", "orgdefinedid", "user id", "number")
LOGINS = ("login", "login id", "sis login id", "username", "user name", "key")
EMAILS = ("email", "email address", "e-mail", "mail")
FIRST_NAMES = ("first name", "firstname", "given name")
LAST_NAMES = ("last name", "lastname", "surname", "family name")
GROUPS = ("group", "team", "groups")
ALIKE = 88  # of 100, between two names
APART = 6  # that the best must be before the second best


def read_roster(path: Path) -> list[dict[str, str]]:
    """The students of a course, as dictionaries with name, id, login, email and group.

    Raises
    ------
    ValueError
        There is no column with names.
    """
    names, rows, _ = read_csv(path)
    names = [name.strip().lower() for name in names]

    def place(wanted):
        return next((names.index(name) for name in wanted if name in names), None)

    places = dict(
        name=place(NAMES),
        id=place(IDS),
        login=place(LOGINS),
        email=place(EMAILS),
        group=place(GROUPS),
    )
    first, last = place(FIRST_NAMES), place(LAST_NAMES)
    if places["name"] is None and None in (first, last):
        raise ValueError(
            f"{path} has the columns {', '.join(names)}; expected one of names "
            f"({', '.join(NAMES)}), or first name and last name."
        )
    roster = []
    for row in rows:
        entry = {
            key: "" if at is None else row[at].strip().lstrip("#") for key, at in places.items()
        }
        entry["name"] = entry["name"] or f"{row[first]} {row[last]}".strip()
        roster.append(entry)
    return roster


def with_roster(
    submissions: Iterable[Submission], roster: list[dict[str, str]]
) -> tuple[list[Submission], list[str]]:
    """Submissions with the names of the roster, one more for each student without any.

    Returns
    -------
    submissions : list of Submission
    remarks : list of str
        Who was not found, or only by a similar name.
    """
    found, remarks, seen = [], [], set()
    for submission in submissions:
        students = []
        for student in submission.students:
            group = [
                n
                for n, each in enumerate(roster)
                if each["group"] and each["group"] == student.name
            ]
            number = None if group else _find(student, roster)
            if group:
                students += [_student(roster[n]) for n in group]
            elif number is None:
                students.append(student)
                remarks.append(f"{student.name or student.id} is not in the roster.")
            else:
                known = _student(roster[number])
                if _fold(known.name) != _fold(student.name) and student.id != known.id:
                    remarks.append(f"{student.name} was taken for {known.name} of the roster.")
                # The id of the platform is what its worksheet goes by.
                students.append(replace(known, id=student.id or known.id))
            seen |= {*group, *([] if number is None else [number])}
        found.append(replace(submission, students=tuple(students)))
    keys = {each.key for each in found}
    for number, entry in enumerate(roster):
        if number not in seen:
            key = f"nothing-{entry['id'] or entry['name']}"
            found.append(
                Submission(
                    key=key if key not in keys else f"{key}-{number}",
                    students=(_student(entry),),
                    notebooks={},
                    notes=("Nothing was handed in.",),
                )
            )
    return found, remarks


def _find(student, roster):
    """The number of a student in the roster: by id, login or email, else by a similar name."""
    for number, entry in enumerate(roster):
        ids = {entry["id"], entry["login"], entry["email"], entry["email"].split("@")[0]} - {""}
        if {student.id, student.email} & ids:
            return number
    if not student.name:
        return None
    names = [_fold(entry["name"]) for entry in roster]
    own = _fold(student.name)
    # Canvas writes lovelaceada: without spaces, the last name first.
    squeezed = own.replace(" ", "")
    exact = [
        number
        for number, name in enumerate(names)
        if squeezed in {"".join(order) for order in (name.split(), name.split()[::-1])}
        or squeezed == "".join([name.split()[-1], *name.split()[:-1]] if name else [])
    ]
    if len(exact) == 1:
        return exact[0]
    best = process.extract(own, names, scorer=fuzz.token_sort_ratio, limit=2)
    if best and best[0][1] >= ALIKE and (len(best) == 1 or best[0][1] - best[1][1] >= APART):
        return best[0][2]
    return None


def _student(entry):
    return Student(entry["name"], entry["id"] or entry["login"], entry["email"])


def _fold(name):
    """A name without accents, case and punctuation."""
    plain = unicodedata.normalize("NFKD", name.replace(",", " ").replace("_", " ")).casefold()
    return " ".join("".join(c for c in plain if c.isalnum() or c.isspace()).split())

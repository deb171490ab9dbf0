"""Whose file is it? How each learning platform names what it exports.

Each layout is a function of a file's path in the export, and says to whom the file belongs, or None
if no such name is of that platform. No platform documents its names; these were read in its source.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import yaml

from grading.records import Student


@dataclass(frozen=True)
class Owner:
    """To whom a file belongs.

    Attributes
    ----------
    identity : str
        The same for all files of one student, or of one group.
    students : tuple of Student
    entry : str
        The folder or file in the export.
    attempt : str
        Sorts the attempts of one student.
    submitted : datetime or None
    late : bool
        If the platform says so without saying by how much.
    remark : str
        What else this file is, in a plain line.
    """

    identity: str
    students: tuple[Student, ...]
    entry: str
    attempt: str = ""
    submitted: datetime | None = None
    late: bool = False
    remark: str = ""


Layout = Callable[[str], Owner | None]

MOODLE = re.compile(
    r"(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)([_.].*)?", re.DOTALL
)
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_(?P<attempt>\d+)_.+", re.DOTALL)
CANVAS_ANONYMOUS = re.compile(
    r"anon(?P<late>_LATE)?_(?P<id>[A-Za-z0-9]+)_(?P<attempt>\d*)_?.+", re.DOTALL
)
BRIGHTSPACE = re.compile(
    r"(?P<id>\d+-\d+) - (?P<name>.+?)( ?- ?(?P<date>\w+\.? \d{1,2},? \d{4}.*))?"
)
BLACKBOARD = re.compile(
    r".+_(?P<id>[^_]+)_attempt_(?P<date>\d{4}(-\d\d){5})(_.+|\.txt)?", re.DOTALL
)
BRIGHTSPACE_DATES = ("%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p")


def moodle(path: str) -> Owner | None:
    """`Full Name_<id>_assignsubmission_file/…`, with `_` at its end before 4.1, or flat."""
    entry = top(path)
    found = MOODLE.fullmatch(entry)
    if not found:
        return None
    online = f"An online text was handed in as well: {entry}." if found["kind"] != "file" else ""
    return Owner(found["id"], (Student(found["name"], found["id"]),), entry, remark=online)


def canvas(path: str) -> Owner | None:
    """`sortablename[_LATE]_<user>_<attachment>_<file>`, or `anon_<id>_…`."""
    entry = top(path)
    found = CANVAS_ANONYMOUS.fullmatch(entry) or CANVAS.fullmatch(entry)
    if not found:
        return None
    anonymous = found.re is CANVAS_ANONYMOUS
    student = Student(f"anonymous {found['id']}" if anonymous else found["name"], found["id"])
    return Owner(
        f"anon {found['id']}" if anonymous else found["id"],
        (student,),
        entry,
        attempt=found["attempt"].zfill(12),
        late=bool(found["late"]),
    )


def brightspace(path: str) -> Owner | None:
    """`<n>-<n> - Name - date/…`."""
    entry = top(path)
    found = BRIGHTSPACE.fullmatch(entry)
    if not found or "/" not in path:
        return None
    date = re.sub(r"(\d{1,2})(\d\d) ([AP]M)", r"\1:\2 \3", found["date"] or "")
    submitted = _date(date, BRIGHTSPACE_DATES)
    name = found["name"].strip()
    return Owner(
        f"{found['id']} {name}",
        (Student(name, found["id"].split("-")[0]),),
        entry,
        attempt=submitted.isoformat() if submitted else found["date"] or "",
        submitted=submitted,
    )


def blackboard(path: str) -> Owner | None:
    """`assignment_user_attempt_datetime_file`."""
    entry = top(path)
    found = BLACKBOARD.fullmatch(entry)
    if not found:
        return None
    submitted = _date(found["date"], ("%Y-%m-%d-%H-%M-%S",))
    student = Student(found["id"], found["id"])
    return Owner(found["id"], (student,), entry, attempt=found["date"], submitted=submitted)


def nbgrader(path: str) -> Owner | None:
    """`submitted/<student>/<assignment>/…`."""
    parts = PurePosixPath(path).parts
    if len(parts) < 4 or parts[0] != "submitted":
        return None
    return Owner(parts[1], (Student(parts[1], parts[1]),), parts[1])


def gradescope(metadata: str) -> Layout:
    """The layout that the text of a `submission_metadata.yml` describes.

    Raises
    ------
    ValueError
        The text is not such a file.
    """
    try:
        described = yaml.safe_load(metadata)
        owners = {folder: _submitters(folder, each) for folder, each in described.items()}
    except (yaml.YAMLError, AttributeError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"submission_metadata.yml cannot be read: {reason}") from None
    return lambda path: owners.get(top(path))


def plain(stems: tuple[str, ...], whole: str) -> Layout:
    """A folder, a zip or loose notebooks per student; `whole` is the name of the folder of all."""

    def owner(path):
        entry = top(path)
        name = entry
        if "/" not in path or entry.lower().endswith(".zip"):
            name = re.sub(r"(\.(ipynb|json|txt|zip))+$", "", entry, flags=re.IGNORECASE)
        if "/" not in path:
            for stem in stems:
                name = re.sub(re.escape(stem), "", name, flags=re.IGNORECASE)
            name = re.sub(r"(?i)\bcopy of\b|[-_ ]*\(\d+\)$|[-_ ]copy\d*$", "", name)
            name = name.strip(" _-.") or whole
        return Owner(name.casefold(), (Student(name, name),), entry)

    return owner


def top(path: str) -> str:
    """The first part of a path."""
    return path.split("/", 1)[0]


def _submitters(folder, described):
    students = tuple(
        Student(
            str(each.get(":name") or ""), str(each.get(":sid") or ""), str(each.get(":email") or "")
        )
        for each in described[":submitters"]
    )
    submitted = described.get(":created_at")
    if isinstance(submitted, str):
        try:
            submitted = datetime.fromisoformat(submitted.replace(" UTC", "+00:00"))
        except ValueError:
            submitted = None
    if isinstance(submitted, datetime):
        submitted = submitted.replace(tzinfo=None)
    return Owner(folder, students or (Student(folder),), folder, submitted=submitted)


def _date(text, formats):
    for each in formats:
        try:
            return datetime.strptime(text.strip(), each)
        except ValueError:
            pass
    return None


NAMED: dict[str, Layout] = {
    "moodle": moodle,
    "canvas": canvas,
    "brightspace": brightspace,
    "blackboard": blackboard,
    "nbgrader": nbgrader,
}
LAYOUTS = (*NAMED, "gradescope", "plain")

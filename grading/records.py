"""What travels through grading: a submission, its rebuilt notebooks, the verdicts, and the release.

edition ──► handed_in ──► running, deciding ──► by_hand ──► giving_back
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nbformat import NotebookNode

NOT_CHECKED = "not checked"  # in place of a mistake, where a check fails by itself


@dataclass(frozen=True)
class Student:
    """Who handed in; `id` is the platform's, and what a roster and a worksheet go by."""

    name: str
    id: str = ""
    email: str = ""


@dataclass(frozen=True)
class Submission:
    """What one student, or one group, handed in.

    Attributes
    ----------
    key : str
        Unique in its batch, and fit to be the name of a folder.
    students : tuple of Student
        Several for a group.
    notebooks : dict
        Bytes as they were handed in, by the name of the released notebook, as 01_data_preparation.
    submitted : datetime or None
        When the last of them was handed in, if the platform says so.
    hours_late : float
        NaN if the platform does not say; Canvas says only that it is late, which is infinity here.
    notes : tuple of str
        Plain lines for the report and the student: an attempt that was replaced, a renamed file.
    refused : dict
        For each notebook or file that cannot be graded, the reason.
    entries : tuple of str
        Names of the folders, or of the files, that it came in: what feedback is handed back under.
    """

    key: str
    students: tuple[Student, ...]
    notebooks: Mapping[str, bytes]
    submitted: datetime | None = None
    hours_late: float = float("nan")
    notes: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rebuilt:
    """A student's notebook on the released skeleton.

    Attributes
    ----------
    name : str
        Of the released notebook, as 01_data_preparation.
    notebook : NotebookNode
        The cells of the release in their order, with the student's answers in the answer cells, and
        the cells that the student added in their places (`metadata.added` is true). Every check is
        that of the release; hidden tests stand in `Release.worked` alone. No outputs.
    answers : dict
        By grade id of each answer cell, what the student wrote there; the stub if nothing.
    notes : tuple of str
        Each irregularity that was put right, in a plain line.
    handed_in : NotebookNode or None
        As it was handed in, with the outputs that the student claims.
    """

    name: str
    notebook: NotebookNode
    answers: Mapping[str, str]
    notes: tuple[str, ...] = ()
    handed_in: NotebookNode | None = None


@dataclass(frozen=True)
class Verdict:
    """Points for one graded cell of the release.

    Attributes
    ----------
    question : str
        As in Q2.
    grade_id : str
        Of the cell that has the points.
    points : float or None
        None if they are to be given by hand, or if its check failed by itself (`NOT_CHECKED`).
    max_points : float
    mistake : str or None
        Short name of the mistake.
    message : str
        What the student is told: nothing of hidden tests in it.
    flags : tuple of str
        For the grader alone.
    """

    question: str
    grade_id: str
    points: float | None
    max_points: float
    mistake: str | None = None
    message: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graded:
    """The verdicts on one submission.

    Attributes
    ----------
    key : str
        Of the submission.
    verdicts : tuple of Verdict
        One for each graded cell of each notebook that was handed in and could be read.
    ran : dict
        By name, each rebuilt notebook as it ran, with its outputs and no hidden test.
    seconds : float
        Wall time.
    replay : dict
        What repeats this grading: hashes, versions, seed.
    """

    key: str
    verdicts: tuple[Verdict, ...]
    ran: Mapping[str, NotebookNode] = field(default_factory=dict)
    seconds: float = 0.0
    replay: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Exercise:
    """A cell of the release that has points, and the answers it looks at."""

    notebook: str
    question: str
    grade_id: str
    max_points: float
    by_hand: bool
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What was handed out, and what stays with the grader.

    Attributes
    ----------
    worked, released : dict
        The notebooks that have points, with their solutions and hidden tests, and as students got
        them: by name, in their order.
    exercises : tuple of Exercise
        In the order of the notebooks.
    hash : str
        SHA-256 over both editions and `helpers`.
    ungraded : dict
        Released notebooks without points.
    """

    worked: Mapping[str, NotebookNode]
    released: Mapping[str, NotebookNode]
    exercises: tuple[Exercise, ...]
    hash: str
    ungraded: Mapping[str, NotebookNode] = field(default_factory=dict)

"""The table of points, and what changes in it between two runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from grading.batch import Result
from grading.by_hand.written import Given
from grading.records import NOT_CHECKED, Release, Submission, Verdict
from grading.tables import number


@dataclass(frozen=True)
class Standing:
    """A submission with all the points that it has so far.

    Attributes
    ----------
    submission : Submission
    status : dict
        By notebook: graded, which of its checks failed by themselves, missing, or refused with the
        reason.
    verdicts : tuple of Verdict
        With the points given by hand.
    result : Result or None
        None if nothing could be graded.
    failure : str
        Why nothing could be graded.
    """

    submission: Submission
    status: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    result: Result | None
    failure: str = ""

    @property
    def total(self):
        """Points so far; None if no notebook was graded."""
        given = [each.points for each in self.verdicts if each.points is not None]
        return sum(given) if self.verdicts else None

    @property
    def waiting(self):
        """Questions that are still to be graded by hand."""
        return sorted({each.question for each in self.verdicts if each.points is None})

    @property
    def is_refused(self):
        """Whether something that was handed in could not be graded."""
        return bool(self.submission.refused or self.failure)

    @property
    def name(self):
        return ", ".join(student.name or student.id for student in self.submission.students)


def standings(
    submissions: list[Submission],
    results: Mapping[str, Result],
    failures: Mapping[str, str],
    given: Mapping[tuple[str, str], Given],
    release: Release,
) -> list[Standing]:
    """What each submission has so far.

    Parameters
    ----------
    submissions : list of Submission
    results, failures : dict
        By key, of `batch.grade_all`.
    given : dict
        Points given by hand, by key and grade id.
    release : Release
    """
    order = {exercise.grade_id: number for number, exercise in enumerate(release.exercises)}
    found = []
    for submission in submissions:
        key = submission.key
        result = results.get(key)
        failure = failures.get(key, "")
        status = {}
        for name in release.released:
            if name in submission.notebooks:
                is_graded = result and name in result.graded.ran
                status[name] = "graded" if is_graded else failure or "not graded yet"
            elif name in submission.refused:
                status[name] = f"refused: {submission.refused[name]}"
            else:
                status[name] = "missing"
        verdicts = [
            _with_points(verdict, given.get((key, verdict.grade_id)))
            for verdict in (result.graded.verdicts if result else ())
            if verdict.grade_id in order  # what is kept may be of an earlier release
        ]
        verdicts.sort(key=lambda each: order[each.grade_id])
        failed = {v.grade_id for v in verdicts if v.points is None and v.mistake == NOT_CHECKED}
        for each in release.exercises:
            if each.grade_id in failed:
                status[each.notebook] += f", but {each.grade_id} failed by itself"
        found.append(Standing(submission, status, tuple(verdicts), result, failure))
    return found


def questions(release: Release) -> list[str]:
    """Q1 to Q6."""
    return sorted({exercise.question for exercise in release.exercises})


def points_of(standing: Standing, question: str) -> float | None:
    """Points for a question so far; None if it was not handed in, or nothing of it is graded."""
    given = [v.points for v in standing.verdicts if v.question == question and v.points is not None]
    return sum(given) if given else None


def columns(release: Release) -> list[str]:
    """Of grades.csv."""
    return [
        "student", "id", "email", "submission", *release.released, *questions(release), "total",
        "to be graded by hand", "submitted", "hours late", "remarks",
    ]  # fmt: skip


def rows(found: list[Standing], release: Release) -> list[dict]:
    """Of grades.csv: one for each student, a group has several."""
    return [
        {
            "student": student.name,
            "id": student.id,
            "email": student.email,
            "submission": standing.submission.key,
            **standing.status,
            **{each: points_of(standing, each) for each in questions(release)},
            "total": standing.total,
            "to be graded by hand": ", ".join(standing.waiting),
            "submitted": standing.submission.submitted or "",
            "hours late": hours(standing.submission.hours_late),
            "remarks": " ".join(remarks(standing)),
        }
        for standing in found
        for student in standing.submission.students
    ]


def hours(late: float) -> str:
    """Hours late; nothing if the platform does not say, "late" if it says no more than that."""
    if late != late:
        return ""
    return "late" if late == float("inf") else f"{late:.1f}"


def remarks(standing: Standing) -> list[str]:
    """What is odd about a submission, for the report and for the student."""
    refused = [
        f"{name} was refused: {reason}." for name, reason in standing.submission.refused.items()
    ]
    put_right = standing.result.notes.items() if standing.result else ()
    lines = [f"{name}: {line}" for name, lines in put_right for line in lines]
    failure = [f"It is not graded: {standing.failure}."] if standing.failure else []
    return [*failure, *refused, *standing.submission.notes, *lines]


def snapshot(found: list[Standing]) -> dict:
    """What is kept of the points, to see what changes in the next run."""
    return {
        standing.submission.key: {
            "student": standing.name,
            "points": {
                each.grade_id: [each.question, each.points, each.mistake]
                for each in standing.verdicts
            },
            "fingerprint": dict(standing.result.fingerprint) if standing.result else {},
        }
        for standing in found
    }


def changes(before: dict, after: dict) -> list[dict]:
    """Points that were given before and are others now.

    Returns
    -------
    list of dict
        With student, question, old, new, why.
    """
    found = []
    for key, old in before.items():
        new = after.get(key, {"points": {}, "fingerprint": {}})
        for grade_id, (question, points, mistake) in old["points"].items():
            _, points_now, mistake_now = new["points"].get(grade_id, (question, None, None))
            if points is not None and points != points_now:
                gone = grade_id not in new["points"]
                found.append(
                    {
                        "student": old["student"],
                        "question": f"{question} ({grade_id})",
                        "old": number(points),
                        "new": "none" if points_now is None else number(points_now),
                        "why": _why(old, new, gone, mistake, mistake_now),
                    }
                )
    return found


def _why(old, new, gone, mistake, mistake_now):
    known = old["fingerprint"], new["fingerprint"]
    words = {"submission": "another submission", "release": "another release"}
    reasons = [text for each, text in words.items() if known[0].get(each) != known[1].get(each)]
    if gone and not new["fingerprint"]:
        reasons = ["not graded in this run"]
    elif not reasons and known[0].get("grading") != known[1].get("grading"):
        reasons = ["another version of the grading"]
    if mistake_now and mistake_now != mistake:
        reasons.append(f"mistake: {mistake_now}")
    return ", ".join(reasons) or "graded again, or by hand"


def _with_points(verdict, entry):
    """A verdict with the points that a person gave, which also replace those of a check."""
    if entry is None:
        return verdict
    message = "\n".join(filter(None, [verdict.message, entry.comment]))
    points = verdict.points if entry.points is None else entry.points
    return replace(verdict, points=points, message=message)

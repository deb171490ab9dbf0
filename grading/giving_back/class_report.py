"""For the next lecture: which mistake how often in which exercise, and how far the grading is."""

from collections import Counter
from pathlib import Path

import jinja2

from grading.giving_back.feedback import is_full
from grading.giving_back.grades import Standing, hours, points_of, questions, remarks
from grading.records import Release
from grading.tables import number, write_csv, write_text

TEMPLATE = Path(__file__).with_name("report_template.html")
COLUMNS = ["question", "exercise", "mistake", "students", "share"]


def mistakes(found: list[Standing]) -> list[dict]:
    """How many students made each named mistake, the most frequent first in each exercise."""
    counted: dict[tuple[str, str], Counter] = {}
    attempts: Counter = Counter()
    for standing in found:
        students = len(standing.submission.students)
        for verdict in standing.verdicts:
            place = (verdict.question, verdict.grade_id)
            attempts[place] += students
            if verdict.points is not None and not is_full(verdict):
                name = verdict.mistake or "another mistake"
                counted.setdefault(place, Counter())[name] += students
    return [
        {
            "question": place[0],
            "exercise": place[1],
            "mistake": mistake,
            "students": students,
            "share": students / attempts[place],
        }
        for place in sorted(counted)
        for mistake, students in counted[place].most_common()
    ]


def write_class_report(folder: Path, found: list[Standing]) -> Path:
    """Write mistakes.csv."""
    path = folder / "mistakes.csv"
    write_csv(path, mistakes(found), COLUMNS)
    return path


def write_report(folder: Path, found: list[Standing], release: Release, extra: dict) -> Path:
    """Write report.html: all students with links, every lost point, and what is still to be done.

    Parameters
    ----------
    folder : pathlib.Path
        With `feedback/` and `by_hand/`.
    found : list of Standing
    release : Release
    extra : dict
        `layout`, `remarks`, `hand_pages`, `similar`, `copied`, `replay`.
    """
    written = [v for s in found for v in s.verdicts if v.grade_id in _by_hand(release)]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["points"] = lambda points: "" if points is None else number(points)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        questions=questions(release),
        notebooks=list(release.released),
        students=[_row(standing, release) for standing in found],
        mistakes=mistakes(found),
        by_hand_done=sum(verdict.points is not None for verdict in written),
        by_hand_all=len(written),
        most=number(sum(exercise.max_points for exercise in release.exercises)),
        **extra,
    )
    path = folder / "report.html"
    write_text(path, page)
    return path


def _row(standing, release):
    lost = [v for v in standing.verdicts if v.points is not None and not is_full(v)]
    return {
        "key": standing.submission.key,
        "name": standing.name,
        "status": standing.status,
        "points": {each: points_of(standing, each) for each in questions(release)},
        "total": standing.total,
        "waiting": ", ".join(standing.waiting),
        "late": hours(standing.submission.hours_late),
        "lost": lost,
        "flags": [f"{v.question}: {flag}" for v in standing.verdicts for flag in v.flags],
        "remarks": remarks(standing),
        "pages": list(standing.result.graded.ran) if standing.result else [],
    }


def _by_hand(release):
    return {exercise.grade_id for exercise in release.exercises if exercise.by_hand}

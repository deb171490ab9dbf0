"""Taking in: what a learning platform exported, as one submission for each student or group."""

from pathlib import Path

from grading.records import Release, Student, Submission


def read_submissions(
    folder: Path, release: Release, layout: str = "", roster: tuple[Student, ...] = ()
) -> tuple[str, list[Submission]]:
    """The layout that was recognized, and the submissions in it."""
    raise NotImplementedError

"""`results.json`, as Gradescope's autograder writes it for each submission."""

import json
from pathlib import Path

from grading.giving_back.feedback import is_full
from grading.giving_back.grades import Standing, remarks
from grading.tables import write_text


def write_results(folder: Path, standing: Standing) -> Path:
    """Write the points and reasons of one submission; what is graded by hand has none yet.

    Flags for the grader are not in it, since students may see it.
    """
    tests = []
    for number, verdict in enumerate(standing.verdicts, start=1):
        waiting = verdict.points is None
        tests.append(
            {
                "score": verdict.points or 0,
                "max_score": verdict.max_points,
                **({} if waiting else {"status": "passed" if is_full(verdict) else "failed"}),
                "name": f"{verdict.question} {verdict.grade_id}",
                "number": str(number),
                "output": "To be graded by hand." if waiting else verdict.message,
                "output_format": "text",
                "visibility": "visible",
                "tags": [verdict.mistake] if verdict.mistake else [],
            }
        )
    content = {
        "score": standing.total or 0,
        "execution_time": round(standing.result.graded.seconds) if standing.result else 0,
        "output": "\n".join(remarks(standing)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    path = folder / standing.submission.key / "results.json"
    write_text(path, json.dumps(content, indent=1))
    return path

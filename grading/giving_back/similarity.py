"""For the grader alone: answers that match those of others, and answers that are helpers' own code.

copydetect compares what is left of code without names, comments and spaces. A match is a reason to
look and to ask, never a proof: a line of NumPy has few honest forms.
"""

import io
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from copydetect.detector import CodeFingerprint, compare_files

from grading.batch import Result
from grading.records import Release

LENGTH = 25  # characters of a match, copydetect's own default; all of them are compared
SHORTEST = 80  # characters that must be left of an answer
ALIKE = 0.8  # share of an answer
LOOKED_AT = ("softmax.py", "sgd.py", "data.py", "study.py", "engines/*.py")


def similar_pairs(results: Mapping[str, Result], release: Release, helpers: Path) -> list[dict]:
    """Pairs of submissions whose code matches beyond the release and helpers.

    Returns
    -------
    list of dict
        With the two students and the share of each one's own code, the most alike first.
    """
    given = _hashes([_stubs(release), *_sources(helpers)])
    prints = {key: _print(_code(result, release), given) for key, result in results.items()}
    found = []
    for (one, print_one), (two, print_two) in combinations(prints.items(), 2):
        if min(print_one.token_coverage, print_two.token_coverage) < SHORTEST:
            continue
        if not print_one.hashes & print_two.hashes:  # most pairs: nothing in common
            continue
        _, (share_one, share_two), _ = compare_files(print_one, print_two)
        if max(share_one, share_two) >= ALIKE:
            found.append(
                {"student": one, "other": two, "share": share_one, "share of the other": share_two}
            )
    return sorted(found, key=lambda each: -max(each["share"], each["share of the other"]))


def taken_from_helpers(
    results: Mapping[str, Result], release: Release, helpers: Path
) -> list[dict]:
    """Answers that are the code of helpers, renamed or not.

    Returns
    -------
    list of dict
        With student, answer, file, share.
    """
    given = _hashes([_stubs(release)])
    theirs = {
        path.relative_to(helpers.parent).as_posix(): _print(path.read_text("utf-8"), given)
        for pattern in LOOKED_AT
        for path in sorted(helpers.glob(pattern))
    }
    found = []
    for key, result in results.items():
        for grade_id in _code_answers(release):
            own = _print(result.answers.get(grade_id, ""), given)
            if own.token_coverage < LENGTH:
                continue
            shares = {name: compare_files(own, each)[1][0] for name, each in theirs.items()}
            name = max(shares, key=shares.__getitem__)
            if shares[name] >= ALIKE:
                found.append(
                    {"student": key, "answer": grade_id, "file": name, "share": shares[name]}
                )
    return found


def _code(result, release):
    return "\n\n".join(result.answers.get(grade_id, "") for grade_id in _code_answers(release))


def _code_answers(release):
    by_hand = {exercise.grade_id for exercise in release.exercises if exercise.by_hand}
    answers = (each for exercise in release.exercises for each in exercise.answers)
    return [each for each in answers if each not in by_hand]


def _stubs(release):
    cells = (cell for notebook in release.released.values() for cell in notebook.cells)
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "code")


def _sources(helpers):
    return [path.read_text("utf-8") for path in sorted(helpers.rglob("*.py"))]


def _hashes(texts):
    return {each for text in texts for each in _print(text, ()).hashes}


def _print(text, given):
    # A window of one keeps all matches, so that nothing depends on the order of Python's hashes.
    return CodeFingerprint(
        "answer.py", LENGTH, 1, boilerplate=list(given), fp=io.StringIO(text), language="python"
    )

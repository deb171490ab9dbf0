"""Written answers: pages to read them on, a CSV to give points in, and what it says brought back.

Points follow the text: they are kept with the hash of the answer that they were given for. If the
answer changes, they are stale and count no more; equal answers have equal points.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from nbformat.v4 import new_markdown_cell, new_notebook

from grading.batch import Result
from grading.exercises import SOLUTION, nbgrader, regions
from grading.giving_back.pages import render
from grading.handed_in.rebuild import is_untouched
from grading.records import Exercise, Release
from grading.tables import as_written, number, read_csv, write_csv

COLUMNS = ["student", "question", "points", "comment", "answer_hash"]


@dataclass(frozen=True)
class Answer:
    """A written answer.

    Attributes
    ----------
    key : str
        Of the submission.
    student : str
        What the grader sees in place of a name.
    question : str
        As in Q4; with its grade id if the question has more than one such answer.
    exercise : Exercise
    text : str
    attachments : dict
    hash : str
    untouched : bool
    """

    key: str
    student: str
    question: str
    exercise: Exercise
    text: str
    attachments: Mapping[str, dict]
    hash: str
    untouched: bool


@dataclass(frozen=True)
class Given:
    """Points that a person gave; None for a comment alone, where a check gives the points."""

    points: float | None
    comment: str = ""


def written_answers(results: Mapping[str, Result], release: Release) -> list[Answer]:
    """All answers that are graded by hand, by question and then by text."""
    found = []
    by_hand = [exercise for exercise in release.exercises if exercise.by_hand]
    questions = Counter(exercise.question for exercise in by_hand)
    for exercise in by_hand:
        stub = _cell(release.released[exercise.notebook], exercise.grade_id).source
        unique = questions[exercise.question] == 1
        question = exercise.question if unique else f"{exercise.question} {exercise.grade_id}"
        for key, result in results.items():
            if exercise.grade_id in result.answers:
                text = result.answers[exercise.grade_id]
                pictures = result.attachments.get(exercise.grade_id, {})
                found.append(
                    Answer(
                        key=key,
                        student=pseudonym(key),
                        question=question,
                        exercise=exercise,
                        text=text,
                        attachments=pictures,
                        hash=_hash_of_answer(exercise.grade_id, text, pictures),
                        untouched=is_untouched(text, stub) and not pictures,
                    )
                )
    return sorted(found, key=lambda each: (each.question, not each.untouched, each.hash))


def pseudonym(key: str) -> str:
    """What stands for a submission where no name is to be seen: the same in each run."""
    return "student-" + hashlib.sha256(key.encode()).hexdigest()[:8]


def given_points(path: Path, answers: list[Answer]) -> tuple[dict, list[str]]:
    """What the grader wrote into the CSV.

    Parameters
    ----------
    path : pathlib.Path
        It need not exist.
    answers : list of Answer

    Returns
    -------
    given : dict
        `Given` by key of the submission and grade id.
    remarks : list of str
        What does not count, and why.
    """
    given, remarks = {}, []
    rows = _rows(path)
    students = {each.student: each for each in answers} | {each.key: each for each in answers}
    by_text: dict[tuple[str, str], Given] = {}
    own: dict[tuple[str, str, str], Given] = {}
    largest = {each.question: each.exercise.max_points for each in answers}
    for row in rows:
        where = f"{row['student']}, {row['question']}"
        if not row["points"]:
            continue
        points = _number(row["points"])
        if points is None or not 0 <= points <= largest.get(row["question"], points):
            remarks.append(
                f"{where}: {row['points']!r} does not count, expected a number from 0 to "
                f"{number(largest.get(row['question'], 0))}"
            )
            continue
        entry = Given(points, row["comment"])
        if row["student"] in students:
            own[students[row["student"]].key, row["question"], row["answer_hash"]] = entry
        by_text.setdefault((row["question"], row["answer_hash"]), entry)
    for answer in answers:
        entry = own.get((answer.key, answer.question, answer.hash))
        entry = entry or by_text.get((answer.question, answer.hash))
        if entry:
            given[answer.key, answer.exercise.grade_id] = entry
        elif any(each[:2] == (answer.key, answer.question) for each in own):
            remarks.append(
                f"{answer.student}, {answer.question}: the points are stale, "
                "since the answer has changed; grade it again"
            )
    return given, remarks


def merged(
    sheet: Mapping,
    book: Mapping,
    answers: list[Answer],
    before: Mapping[str, list],
    handed_in_again: set[str],
) -> tuple[dict, list[str]]:
    """Points of the CSV and of nbgrader's gradebook: whichever changed since the last run.

    Parameters
    ----------
    sheet, book : dict
        `Given` by key and grade id; in the book None where points may be and are not.
    answers : list of Answer
    before : dict
        What was `remembered` in the last run.
    handed_in_again : set of str
        Keys of submissions that have changed since.

    Returns
    -------
    given : dict
        Of the gradebook also points that replace those of a check.
    remarks : list of str
    """
    written = {(each.key, each.exercise.grade_id): each for each in answers}
    given, remarks = {}, []
    for (key, grade_id), entry in book.items():
        if entry and (key, grade_id) not in written:
            if key in handed_in_again:
                what = "comment" if entry.points is None else "points"
                remarks.append(f"{key}, {grade_id}: handed in again, so your {what} count no more")
            else:
                given[key, grade_id] = entry
    for place, answer in written.items():
        *last, hash_then = before.get("/".join(place), [None, None, None])
        last = Given(*last) if last[0] is not None and hash_then == answer.hash else None
        in_sheet, in_book = sheet.get(place), book.get(place, last)
        if in_book and hash_then != answer.hash:
            remarks.append(
                f"{answer.student}, {answer.question}: the {number(in_book.points)} points in the "
                "gradebook are stale, since the answer has changed; grade it again"
            )
            in_book = None
        if in_sheet != last and in_book not in (last, in_sheet):
            remarks.append(
                f"{answer.student}, {answer.question}: by_hand.csv and the gradebook have both "
                "changed; by_hand.csv counts"
            )
        entry = in_sheet if in_sheet != last else in_book
        if entry:
            given[place] = entry
    by_text = {
        (answer.exercise.grade_id, answer.hash): given[place]
        for place, answer in written.items()
        if place in given
    }
    for place, answer in written.items():
        same = by_text.get((answer.exercise.grade_id, answer.hash))
        if same:
            given.setdefault(place, same)
    return given, remarks


def remembered(given: Mapping, answers: list[Answer]) -> dict[str, list]:
    """What `merged` needs in the next run: points, comment and hash of each answer."""
    found = {}
    for answer in answers:
        entry = given.get((answer.key, answer.exercise.grade_id))
        points = [entry.points, entry.comment] if entry else [None, None]
        found[f"{answer.key}/{answer.exercise.grade_id}"] = [*points, answer.hash]
    return found


def write_sheet(path: Path, answers: list[Answer], given: Mapping) -> None:
    """The CSV to fill in: points that were given stand in it, and stale ones below."""
    names = {each.key: each.student for each in answers}
    there = {}
    for row in _rows(path):
        row["student"] = names.get(row["student"], row["student"])
        there[row["student"], row["question"], row["answer_hash"]] = row
    rows = []
    for each in answers:
        row = there.pop((each.student, each.question, each.hash), {"comment": ""})
        entry = given.get((each.key, each.exercise.grade_id))
        rows.append(
            {
                "student": each.student,
                "question": each.question,
                "points": number(entry.points) if entry else "",
                "comment": entry.comment if entry else row["comment"],
                "answer_hash": each.hash,
            }
        )
    rows += [row for row in there.values() if row["points"] or row["comment"]]
    write_csv(path, rows, COLUMNS)


def write_pages(
    folder: Path, answers: list[Answer], given: Mapping, release: Release
) -> list[Path]:
    """A page for each question: the rubric, then all answers, equal ones once, without names."""
    paths = []
    for question, group in groupby(answers, key=lambda each: each.question):
        alike = [list(same) for _, same in groupby(group, key=lambda each: each.hash)]
        exercise = alike[0][0].exercise
        worked = _cell(release.worked[exercise.notebook], exercise.grade_id)
        total = sum(map(len, alike))
        head = f"# {question}: {total} answers, {number(exercise.max_points)} points each\n\n"
        cells = [
            new_markdown_cell(
                f"{head}Points are given in `by_hand.csv`, in the rows with the same "
                "`answer_hash`; one row of equal answers is enough."
            ),
            new_markdown_cell("## Model answer and rubric\n\n" + _rubric(worked)),
        ]
        for number_of_answer, same in enumerate(alike, start=1):
            first = same[0]
            entry = given.get((first.key, exercise.grade_id))
            title = f"## Answer {number_of_answer} · `{first.hash}`"
            title += f" · {len(same)} times" if len(same) > 1 else ""
            title += f" · {number(entry.points)} points" if entry else ""
            text = "*(Untouched: nothing was written.)*" if first.untouched else first.text
            pictures = {"attachments": first.attachments} if first.attachments else {}
            cells += [new_markdown_cell(title), new_markdown_cell(text, **pictures)]
        path = folder / f"{re.sub(r'[^A-Za-z0-9-]+', '-', question)}.html"
        render(new_notebook(cells=cells), path, f"{question}, to be graded by hand")
        paths.append(path)
    return paths


def _rubric(worked):
    solution = [line for kind, lines in regions(worked) if kind == SOLUTION for line in lines]
    return "\n".join(solution).strip()


def _rows(path):
    if not path.exists():
        return []
    names, rows, _ = read_csv(path)
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}; expected {', '.join(COLUMNS)}. "
            "Restore the first line, or move the file away and grade anew."
        )
    places = {column: names.index(column) for column in COLUMNS}
    return [{name: as_written(row[at].strip()) for name, at in places.items()} for row in rows]


def _number(text):
    try:
        return float(text.replace(",", ".").replace("½", "0.5"))
    except ValueError:
        return None


def short_hash(content) -> str:
    """Twelve digits that tell one content (lists, dictionaries, texts) from another."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _hash_of_answer(grade_id, text, pictures):
    return short_hash([grade_id, text.split(), pictures])


def _cell(notebook, grade_id):
    return next(cell for cell in notebook.cells if nbgrader(cell).get("grade_id") == grade_id)

"""Submissions made from the release: the model answer, untouched, and changed copies of them."""

import copy
from functools import cache

import nbformat

from grading import batch
from grading.edition.editions import read_release
from grading.exercises import nbgrader
from grading.records import Graded, Verdict


@cache
def release():
    """The release of this checkout."""
    return read_release()


def untouched(name):
    """A notebook as it was handed out."""
    return copy.deepcopy(release().released[name])


def model(name):
    """The released notebook with the answers of the worked edition, without markers."""
    return answered(name, model_answers(name))


def model_answers(name):
    """Source of each answer of the worked edition by grade id, without markers."""
    return {
        nbgrader(cell)["grade_id"]: "\n".join(
            line
            for line in cell.source.split("\n")
            if line.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION")
            and line.strip() not in ("<!-- BEGIN SOLUTION -->", "<!-- END SOLUTION -->")
        ).strip("\n")
        for cell in release().worked[name].cells
        if nbgrader(cell).get("solution")
    }


def answered(name, answers):
    """The released notebook with these answers (source by grade id) in place of the stubs."""
    notebook = untouched(name)
    for grade_id, source in answers.items():
        cell_of(notebook, grade_id).source = source
    return notebook


def cell_of(notebook, grade_id):
    """The cell of a grade id."""
    (found,) = (cell for cell in notebook.cells if nbgrader(cell).get("grade_id") == grade_id)
    return found


def as_bytes(notebook):
    """A notebook as it lies in a file."""
    return nbformat.writes(notebook).encode()


def model_submission():
    """Bytes of all notebooks of the model answer, by name."""
    return {name: as_bytes(model(name)) for name in release().released}


def write(folder, notebooks=None, *, before="", after=""):
    """Put notebooks (bytes by name) into a folder, with something around their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (notebooks or model_submission()).items():
        (folder / f"{before}{name}{after}.ipynb").write_bytes(data)
    return folder


def quick_decide(key, rebuilt, release, *, sandbox=True, limits=None):
    """In place of `decide.decide`: full points for the text of the model answer, else a mistake.

    No cell runs, so that a test of what is around takes no time.
    """
    verdicts = []
    for each in rebuilt:
        model = model_answers(each.name)
        for exercise in release.exercises:
            if exercise.notebook == each.name:
                right = all(each.answers[answer] == model[answer] for answer in exercise.answers)
                points = None if exercise.by_hand else exercise.max_points * right
                told = {} if right or exercise.by_hand else dict(mistake="other", message="<b>&")
                verdicts.append(
                    Verdict(
                        exercise.question, exercise.grade_id, points, exercise.max_points, **told
                    )
                )
    ran = {each.name: each.notebook for each in rebuilt}
    return Graded(key, tuple(verdicts), ran, seconds=0.5, replay={"seed": 0})


def noting(graded):
    """`quick_decide` that appends to a list what it grades."""

    def decide(key, *rest, **options):
        graded.append(key)
        return quick_decide(key, *rest)

    return decide


def graded_quickly(submission):
    """The result of a submission that `quick_decide` graded."""
    _, result = batch.grade(submission, release(), quick_decide, {})
    return result

"""The release that submissions are graded against: both editions, kept in `build/`."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from grading.edition.course import POINTS
from grading.exercises import nbgrader
from grading.handed_in.reading import defined
from grading.records import Exercise, Release
from grading.release import ROOT, make_notebooks, read_notebooks


def read_release(root=ROOT, build=None):
    """The release of a checkout; nbgrader makes it, unless `build` has that of these sources.

    Parameters
    ----------
    root : pathlib.Path
        The checkout, with `notebooks/` and `helpers/`.
    build : pathlib.Path, optional
        Where it is kept, `build/` of the checkout if not given.

    Returns
    -------
    Release

    Raises
    ------
    grading.release.Refused
        nbgrader cannot make a student edition of these notebooks.
    """
    build = build or root / "build"
    names = [name for name, points in POINTS.items() if points]
    key = _hash(root)
    kept = build / "released" / key[:16]
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".") as temporary:
            folder = Path(temporary, "edition")
            make_notebooks(root, folder, "")
            shutil.rmtree(kept, ignore_errors=True)
            folder.rename(kept)
    worked, released = read_notebooks(root), read_notebooks(kept)
    return Release(
        {name: worked[name] for name in names},
        {name: released[name] for name in names},
        tuple(each for name in names for each in exercises(name, worked[name])),
        key,
        {name: notebook for name, notebook in released.items() if name not in names},
    )


def exercises(name, notebook):
    """The graded cells of a notebook in their order, each with the answers that it looks at.

    What is graded by hand looks at itself, a check at the answers before it that it names.
    """
    found, answers = [], {}
    for cell in notebook.cells:
        metadata = nbgrader(cell)
        grade_id = metadata.get("grade_id")
        by_hand = bool(metadata.get("solution"))
        if by_hand and cell.cell_type == "code":
            answers[grade_id] = defined(cell.source)
        if metadata.get("grade"):
            words = set(re.findall(r"\w+", cell.source))
            named = tuple(answer for answer, names in answers.items() if names & words)
            question = grade_id.split("-")[0].upper()
            looked_at = (grade_id,) if by_hand else named
            found.append(Exercise(name, question, grade_id, metadata["points"], by_hand, looked_at))
    return found


def _hash(root):
    """Of what decides over points: cells of the notebooks with their metadata, and `helpers`."""
    digest = hashlib.sha256()
    for name, notebook in read_notebooks(root).items():
        digest.update(name.encode())
        for cell in notebook.cells:
            digest.update(repr((cell.cell_type, cell.source, dict(nbgrader(cell)))).encode())
    for path in sorted((root / "helpers").rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()

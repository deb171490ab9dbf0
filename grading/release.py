"""The student edition: `python -m grading.release owner/name`, behind `make release`.

nbgrader makes the notebooks. They are moved into `build/` with `helpers` and what else a student
needs only if nothing is left in them that students must not see.
"""

import argparse
import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path
from string import Template

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from grading.edition import leaks, worked
from grading.edition.course import POINTS, colab_badge, configuration
from grading.exercises import points_by_question

ROOT = Path(__file__).resolve().parent.parent
STUDENT_README = ROOT / "grading" / "edition" / "student_readme.md"
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.\.?$)(?!.*\.git$)[A-Za-z0-9._-]+")
VERSION = re.compile(r"^## (\d+\.\d+\.\d+)", re.MULTILINE)
IGNORED = ".venv/\n__pycache__/\n.ipynb_checkpoints/\n"


class Refused(Exception):
    """No student edition was made; the message says what is wrong where."""


def main(arguments=None, root=ROOT, table=POINTS):
    """Run the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grading.release", description=__doc__)
    parser.add_argument("repository", nargs="?", default="", help="owner/name on GitHub")
    options = parser.parse_args(arguments)
    try:
        folder, archive = release(options.repository, root, table=table)
    except Refused as refusal:
        print(f"No student edition was made: {refusal}", file=sys.stderr)
        return 1
    print(f"Student edition for {options.repository}:\n")
    print(_points_table(read_notebooks(folder)))
    print(f"\nWritten:\n  {folder}\n  {archive}")
    return 0


def release(repository, root=ROOT, build=None, table=POINTS):
    """Make the folder `release` and the file `release.zip`, or leave those there are as they were.

    Parameters
    ----------
    repository : str
        owner/name of the student edition on GitHub, where its links and setup cells point to.
    root : pathlib.Path
        The checkout.
    build : pathlib.Path, optional
        Where to put them, `build/` of the checkout if not given.
    table : dict
        For each notebook the points by question.

    Returns
    -------
    tuple of pathlib.Path
        The folder and the zip.

    Raises
    ------
    Refused
        `repository` is no owner/name, a worked notebook has a mistake in its markers or exercises,
        or something is left that students must not see.
    """
    if not REPOSITORY.fullmatch(repository):
        given = f"{repository!r} does not look like that" if repository else "there is none"
        raise Refused(
            f"REPO must be the owner and name of a repository on GitHub, and {given}.\n"
            "Say it as in: make release REPO=owner/name"
        )
    source = read_notebooks(root)
    _refuse_if(worked.findings(source, table))
    build = build or root / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix=".release-") as temporary:
        folder = Path(temporary, repository.split("/")[1])
        make_notebooks(root, folder, repository, current_version(root))
        notebooks = read_notebooks(folder)
        _refuse_if(leaks.findings(source, notebooks, repository))
        _add_files(root, folder)
        _add_readme(root, folder, notebooks, repository, table)
        archive = shutil.make_archive(Path(temporary, "zip"), "zip", temporary, folder.name)
        return (
            _put(folder, build / "release", Path(temporary, "earlier folder")),
            _put(Path(archive), build / "release.zip", Path(temporary, "earlier zip")),
        )


def read_notebooks(root):
    """The notebooks below `root` by name, in their order."""
    return {
        path.stem: nbformat.read(path, as_version=4)
        for path in sorted((root / "notebooks").glob("*.ipynb"))
    }


def current_version(root):
    """The version of the assignment: the first that the change log names."""
    return VERSION.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))[1]


def make_notebooks(root, folder, repository, version=""):
    """Let nbgrader make the student's notebooks."""
    messages = []
    log = logging.Logger("nbgrader", logging.ERROR)
    log.addHandler(_Keep(messages))
    config = configuration(root, folder, repository=repository, version=version)
    course = CourseDirectory(config=config, log=log)
    try:
        GenerateAssignment(coursedir=course, config=config, log=log).start()
    except NbGraderException:
        raise Refused("nbgrader stopped.\n\n" + "\n".join(messages)) from None


class _Keep(logging.Handler):
    def __init__(self, messages):
        super().__init__()
        self.messages = messages

    def emit(self, record):
        self.messages.append(record.getMessage())


def _add_files(root, folder):
    """What the notebooks need beside themselves. Named one by one, so that nothing else gets in."""
    for path in sorted((root / "helpers").rglob("*.py")):
        relative = path.relative_to(root)
        if not any(part.startswith((".", "__pycache__")) for part in relative.parts):
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / relative)
    for name in ("LICENSE", "requirements.txt"):
        shutil.copyfile(root / name, folder / name)
    (folder / "data").mkdir()
    shutil.copyfile(root / "data" / ".gitignore", folder / "data" / ".gitignore")
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")


def _add_readme(root, folder, notebooks, repository, table):
    rows = ["| notebook | question | points | in Colab |", "|---|---|---|---|"]
    for name, notebook in notebooks.items():
        title = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)[1]
        rows.append(
            f"| [{title}](notebooks/{name}.ipynb) | {', '.join(table[name]) or '–'} "
            f"| {sum(table[name].values()) or '–'} | {colab_badge(repository, name)} |"
        )
    template = Template(STUDENT_README.read_text(encoding="utf-8"))
    text = template.substitute(
        repository=repository,
        version=current_version(root),
        notebooks="\n".join(rows),
        points=sum(sum(points.values()) for points in table.values()),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _points_table(notebooks):
    lines = [f"{'points':36}{'checks':>8}{'by hand':>9}"]
    for name, notebook in notebooks.items():
        checked, by_hand = (sum(points.values()) for points in points_by_question(notebook))
        lines.append(f"{name:36}{checked:8g}{by_hand:9g}")
    return "\n".join(lines)


def _put(new, place, earlier):
    """Move a file or folder into its place, and what is there out of the way."""
    if place.exists():
        place.rename(earlier)
    return new.rename(place)


def _refuse_if(findings):
    if findings:
        raise Refused("\n  ".join(["the notebooks are not fit for it.", *findings]))


if __name__ == "__main__":
    sys.exit(main())

"""Taking in: what a learning platform exported, as one submission for each student or group."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from grading.handed_in import layouts
from grading.handed_in.archives import Damaged, File, files_in, is_zip_name, unpacked
from grading.handed_in.layouts import LAYOUTS, Owner
from grading.handed_in.reading import Unreadable, definitions, identities, read_notebook
from grading.records import Release, Student, Submission

NOTEBOOK_NAME = re.compile(r".+\.(ipynb(\.json|\.txt)?|json)", re.IGNORECASE)
NO_SUBMISSION = {"submission_metadata.yml", "index.html"}


class Ambiguous(Exception):
    """It cannot be told how a folder is laid out; the message lists what fits and what does not."""


def read_submissions(
    place: Path, release: Release, layout: str = "", due: datetime | None = None
) -> tuple[str, list[Submission], dict[str, str]]:
    """Take in what a platform exported.

    Parameters
    ----------
    place : pathlib.Path
        A folder or a zip.
    release : Release
    layout : str
        One of `layouts.LAYOUTS`; recognized if not given.
    due : datetime, optional
        When it was due, for the hours that it is late.

    Returns
    -------
    layout : str
    submissions : list of Submission
        In the order of their keys.
    skipped : dict
        The reason, for each file of nobody that was left out.

    Raises
    ------
    Ambiguous
        No layout, or more than one, fits all there is.
    """
    skipped: dict[str, str] = {}
    files = files_in(place, skipped)
    whole = place.stem if place.is_file() else place.resolve().name
    layout, owner_of, files, root = _recognized(files, whole, layout, tuple(release.released))
    skipped = {_below(root, path): reason for path, reason in skipped.items()}
    owned: dict[str, list[tuple[Owner, File]]] = {}
    strangers: dict[str, str] = {}
    for file in files:
        owner = owner_of(file.path)
        if owner:
            owned.setdefault(owner.identity, []).append((owner, file))
        elif file.path not in NO_SUBMISSION and _is_handed_in(file):
            strangers[file.path] = f"its name is not one that {layout} gives"
    left_out: dict[str, dict[str, str]] = {}
    for path, reason in skipped.items():
        owner = owner_of(path)
        into = left_out.setdefault(owner.identity, {}) if owner else strangers
        into[path] = reason
        if owner and owner.identity not in owned:
            owned[owner.identity] = [(owner, None)]
    taken: set[str] = set()
    known = distinctive(release)
    submissions = [
        _submission(pairs, left_out.get(identity, {}), release, known, due, taken)
        for identity, pairs in sorted(owned.items())
    ]
    return layout, sorted(submissions, key=lambda each: each.key), strangers


def distinctive(release: Release) -> dict[str, set]:
    """By the name of each released notebook, what is in it and in no other."""
    features = {
        name: _features(notebook)
        for name, notebook in {**release.released, **release.ungraded}.items()
    }
    shared = Counter(feature for each in features.values() for feature in each)
    return {name: {f for f in each if shared[f] == 1} for name, each in features.items()}


def which_notebook(notebook: NotebookNode, known: Mapping[str, set]) -> str | None:
    """The released notebook that a notebook was made from, by what is in it, not by its name."""
    own = _features(notebook)
    best = max(known, key=lambda name: len(own & known[name]))
    return best if own & known[best] else None


def _features(notebook):
    """What tells a notebook from others: ids of its cells, its texts, what it defines."""
    found = set()
    for cell in notebook.cells:
        found |= {("id", each) for each in identities(cell)}
        squeezed = " ".join(cell.source.split())
        if len(squeezed) > 40:
            found.add(("text", squeezed))
        if cell.cell_type == "code" and "def " in cell.source:
            found |= {("defines", name) for name in definitions(cell.source)}
    return found


def _recognized(files, whole, layout, stems):
    """The layout, its function, and the files with paths from where the layout begins."""
    if layout and layout not in LAYOUTS:
        raise Ambiguous(f"There is no layout {layout!r}. Known are: {', '.join(LAYOUTS)}.")
    root = ""
    while True:
        found = layout if _fits(layout, files) else None if layout else _specific(files)
        inside = {layouts.top(file.path) for file in files}
        if found or len(inside) != 1 or any("/" not in file.path for file in files):
            break
        (folder,) = inside
        if folder == "submitted" or is_zip_name(folder):
            break
        below = [replace(file, path=_below(folder, file.path)) for file in files]
        plain = layouts.plain(stems, folder)
        telling = ("/", ".zip", *stems)  # a loose notebook of any other name may be anybody's
        students = {
            plain(file.path).identity
            for file in below
            if _is_handed_in(file) and any(each in file.path for each in telling)
        }
        if not _specific(below) and len(students - {folder.casefold()}) < 2:
            break
        files, root, whole = below, f"{root}{folder}/", folder
    if found is None and whole == "submitted":
        deeper = [replace(file, path=f"submitted/{file.path}") for file in files]
        if _fits("nbgrader", deeper):
            found, files = "nbgrader", deeper
    found = found or layout or "plain"
    if found == "gradescope":
        (metadata,) = [f for f in files if f.path == "submission_metadata.yml"] or [None]
        if metadata is None:
            raise Ambiguous("Gradescope's export has a submission_metadata.yml; there is none.")
        try:
            owner_of = layouts.gradescope(metadata.read().decode("utf-8-sig", "replace"))
        except ValueError as error:
            raise Ambiguous(str(error)) from None
    elif found == "plain":
        owner_of = layouts.plain(stems, whole)
        if not layout:
            _refuse_loose_among_others(files, owner_of, whole)
    else:
        owner_of = layouts.NAMED[found]
    return found, owner_of, files, root


def _below(root, path):
    return path.removeprefix(root.rstrip("/") + "/") if root else path


def _fits(layout, files):
    """Whether a layout that was asked for begins at this folder."""
    if layout == "gradescope":
        return any(file.path == "submission_metadata.yml" for file in files)
    return layout in layouts.NAMED and any(layouts.NAMED[layout](file.path) for file in files)


def _specific(files):
    """The platform whose names these are; None if they are of none.

    Raises
    ------
    Ambiguous
        Some are, and others are not.
    """
    if any(file.path == "submission_metadata.yml" for file in files):
        return "gradescope"
    if any(layouts.nbgrader(file.path) for file in files):
        return "nbgrader"
    entries = {layouts.top(file.path): file.path for file in files if _is_entry(file)}
    fitting = {
        name: {entry for entry, path in entries.items() if layouts.NAMED[name](path)}
        for name in ("moodle", "canvas", "brightspace", "blackboard")
    }
    fitting = {name: found for name, found in fitting.items() if found}
    if not fitting:
        return None
    name = max(fitting, key=lambda each: len(fitting[each]))
    if fitting[name] == set(entries):
        return name
    lines = [f"  {each}: {_list(found)}" for each, found in fitting.items()]
    others = set(entries) - set().union(*fitting.values())
    if others:
        lines.append(f"  none of these: {_list(others)}")
    raise Ambiguous(
        "The names in this folder are not all of one kind:\n"
        + "\n".join(lines)
        + f"\nSay which it is with --layout, one of {', '.join(LAYOUTS)}, or move away the rest."
    )


def _refuse_loose_among_others(files, owner_of, whole):
    owners = {}
    for file in filter(_is_handed_in, files):
        owners.setdefault(owner_of(file.path).students[0].name, set()).add(layouts.top(file.path))
    if len(owners) > 1 and whole in owners:
        nobody = [entry for entry in owners[whole] if entry != whole]
        if nobody:
            raise Ambiguous(
                f"It cannot be told whose these are: {_list(nobody)}.\nPut each student's "
                "notebooks into a folder of their own, or say --layout plain to grade them as "
                f"those of one student, {whole}."
            )


def _list(names):
    names = sorted(names)
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _is_handed_in(file):
    return bool(NOTEBOOK_NAME.fullmatch(file.name)) or is_zip_name(file.name)


def _is_entry(file):
    """Whether the top of its path can be somebody's: a folder, or a file that may be graded."""
    return "/" in file.path or _is_handed_in(file) or "_onlinetext" in file.path


def _submission(pairs, skipped, release, known, due, taken):
    """One submission from the files of one student or group."""
    owners = [owner for owner, _ in pairs]
    notes = list(dict.fromkeys(owner.remark for owner in owners if owner.remark))
    refused = dict(skipped)
    candidates, others = [], []
    for owner, file in pairs:
        if file is None:
            continue
        inner = unpacked(file, refused) if is_zip_name(file.name) else [file]
        for each in inner:
            if NOTEBOOK_NAME.fullmatch(each.name):
                candidates.append((owner, each))
            elif each.name == "timestamp.txt":
                owners.append(replace(owner, submitted=_timestamp(each.read())))
            elif not owner.remark:
                others.append(each.path)
    found: dict[str, list[tuple[tuple, str, bytes]]] = {}
    for owner, file in candidates:
        _place(owner, file, release, known, found, refused, notes)
    notebooks = {}
    for name in release.released:
        attempts = sorted(found.get(name, []), key=lambda each: each[0])
        if attempts:
            _, counted, notebooks[name] = attempts[-1]
            earlier = [path for _, path, data in attempts[:-1] if data != notebooks[name]]
            if earlier:
                notes.append(
                    f"{name} was handed in {len(earlier) + 1} times ({', '.join(earlier)}, "
                    f"{counted}); the last, {counted}, counts."
                )
            elif not _is_plainly(counted, name):
                notes.append(f"{counted} was taken for {name} by what is in it.")
    others = [path for path in others if not _is_of_the_course(path)]
    if others:
        notes.append(f"Not graded, since no notebook: {_list(others)}.")
    submitted = max((o.submitted for o in owners if o.submitted), default=None)
    hours = (
        max(0.0, (submitted - due).total_seconds() / 3600) if submitted and due else float("nan")
    )
    if hours != hours and any(owner.late for owner in owners):
        hours = float("inf")
    students = owners[0].students
    return Submission(
        key=_key(students, owners[0].identity, taken),
        students=students,
        notebooks=notebooks,
        submitted=submitted,
        hours_late=hours,
        notes=tuple(notes),
        refused=refused,
        entries=tuple(dict.fromkeys(owner.entry for owner in owners)),
    )


def _place(owner, file, release, known, found, refused, notes):
    """Put a file to the attempts at the notebook that it is, or to what is refused."""
    named = next((name for name in release.released if name in file.name), None)
    try:
        data = file.read()
        notebook, _ = read_notebook(data)
    except (Unreadable, Damaged) as error:
        if file.name.lower().endswith(".json") and ".ipynb" not in file.name.lower():
            return
        if named and named not in refused:
            refused[named] = f"{file.path}: {error}"
        else:
            refused[file.path] = str(error)
        return
    name = which_notebook(notebook, known)
    if name in release.ungraded:
        notes.append(f"{file.path} was handed in as well; it has no points.")
    elif name is None:
        refused[named or file.path] = f"{file.path}: nothing in it is of the course's notebooks"
    else:
        order = (owner.attempt, _copy_number(file.name), file.modified, file.path)
        found.setdefault(name, []).append((order, file.path, data))


def _copy_number(name):
    """Of `x (2).ipynb`, or of `x-2.ipynb`, which is how Canvas names what is handed in again."""
    found = re.search(r"(?:\((\d+)\)|-(\d{1,2}))(?=\.\w+$)", name)
    return int(found[1] or found[2]) if found else 0


def _is_plainly(path, name):
    """Whether a file has the released name, but for what a platform puts around it."""
    stem = PurePosixPath(path).stem
    named = rf"(?!copy of)(.*[\W_])?{re.escape(name)}(-\d{{1,2}})?"
    return bool(re.fullmatch(named, stem, re.IGNORECASE))


def _is_of_the_course(path):
    """Files that lie beside the notebooks in the student edition."""
    parts = PurePosixPath(path).parts
    names = {"README.md", "requirements.txt", ".gitignore", "handin.txt"}
    return parts[-1] in names or not {"helpers", "data", ".vscode", ".idea"}.isdisjoint(parts)


def _timestamp(data):
    """The date in nbgrader's timestamp.txt, which is in UTC."""
    text = data.decode("utf-8", "replace").strip().removesuffix("UTC").strip()
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _key(students: Iterable[Student], identity: str, taken: set[str]) -> str:
    """A name for a folder, unlike those taken on any file system."""
    name, number = students[0].name, students[0].id
    parts = [name] if name.endswith(number) else [name, number]
    if len(students) > 1:
        parts = [identity]
    text = unicodedata.normalize("NFC", "_".join(parts))
    stem = re.sub(r"[^\w.-]+", "_", text).strip("._")[:80] or "student"
    free = (f"{stem}-{number}" if number > 1 else stem for number in count(1))
    key = next(each for each in free if each.casefold() not in taken)
    taken.add(key.casefold())
    return key

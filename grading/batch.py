"""A batch of submissions, each graded once: what is done is kept, and gone on from."""

import copy
import dataclasses
import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import joblib
import nbformat
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from grading.exercises import nbgrader
from grading.handed_in.rebuild import rebuild_all
from grading.records import Graded, Release, Submission, Verdict
from grading.tables import write_text

KEPT = ("answers", "attachments", "notes", "fingerprint")
KILLED = "the process that graded it was killed, perhaps for want of memory"
Decide = Callable[..., Graded]


@dataclass(frozen=True)
class Result:
    """A submission that was graded.

    Attributes
    ----------
    graded : Graded
        Without points for what is graded by hand.
    answers : dict
        What the student wrote, by grade id.
    attachments : dict
        Pictures in written answers, by grade id.
    notes : dict
        What was put right, by notebook.
    fingerprint : dict
        Hashes of the `submission`, the `release` and the `grading` code.
    """

    graded: Graded
    answers: Mapping[str, str]
    attachments: Mapping[str, dict] = field(default_factory=dict)
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)


def grade_all(
    submissions: list[Submission],
    release: Release,
    folder: Path,
    decide: Decide,
    *,
    jobs: int = 1,
    scheduler: str = "",
    again: bool = False,
    only: tuple[str, ...] = (),
    **options: object,
) -> tuple[dict[str, Result], dict[str, str]]:
    """Grade what has not been graded yet.

    Parameters
    ----------
    submissions : list of Submission
    release : Release
    folder : pathlib.Path
        Where results are kept.
    decide : callable
        `decide.decide`.
    jobs : int
        Submissions at a time, each in a process of its own.
    scheduler : str
        Address of a dask cluster that grades instead.
    again : bool
        Grade also what is kept.
    only : tuple of str
        Keys of submissions: of the others, what is kept is given, even if it is out of date.
    options
        For `decide`.

    Returns
    -------
    results : dict
        By key.
    failures : dict
        By key, why a submission could not be graded.
    """
    results, failures, due = {}, {}, []
    for submission in submissions:
        wanted = not only or submission.key in only
        kept = _read(folder / submission.key)
        if kept and wanted:  # else it stays as it is, whatever has changed since
            kept = kept if kept.fingerprint == fingerprint(submission, release) else None
        if kept and not (again and wanted):
            results[submission.key] = kept
        elif wanted and submission.notebooks:
            due.append(submission)
    inputs = (release, decide, options)
    outcomes = _on_cluster(scheduler, due, inputs) if scheduler else _here(jobs, due, inputs)
    bar = tqdm(outcomes, total=len(due), desc="grading", unit="student", disable=not due)
    for key, outcome in bar:
        if isinstance(outcome, str):
            failures[key] = outcome
        else:
            results[key] = outcome
            _write(folder / key, outcome)
    return {each.key: results[each.key] for each in submissions if each.key in results}, failures


def _here(jobs, due, inputs):
    """What `grade` gives for each, as it comes.

    Where the process of a worker is killed, those that it may have been at are graded one at a
    time, so that the one whose fault it is can be named, and the batch goes on.
    """
    parallel = joblib.Parallel(
        n_jobs=jobs,
        backend="sequential" if jobs == 1 else "loky",
        return_as="generator_unordered",
        pre_dispatch="2*n_jobs",
        batch_size=1,
    )
    task = joblib.delayed(grade)
    left = {each.key: each for each in due}
    while left:
        try:
            for key, outcome in parallel([task(each, *inputs) for each in left.values()]):
                del left[key]
                yield key, outcome
        except TerminatedWorkerError:
            for key in list(left)[: 2 * jobs]:
                try:
                    [found] = parallel([task(left.pop(key), *inputs)])
                    yield found
                except TerminatedWorkerError:
                    yield key, KILLED


def _on_cluster(scheduler, due, inputs):
    """The same from a cluster. Dask itself tries again what was at work in a worker that died.

    Not through joblib, which waits forever for such a worker, and grades here if one alone is left.
    """
    from dask.distributed import Client, KilledWorker, as_completed

    with Client(scheduler) as client:
        threads = client.nthreads()
        if max(threads.values(), default=1) > 1:
            raise ValueError(
                f"Workers of {scheduler} have several threads, and grading needs a process: "
                "start them with --nthreads 1."
            )
        # Part of the graph, so that a worker that is started later gets it too.
        release, *others = inputs
        release = client.submit(copy.copy, release)
        at_work, waiting, suspects = {}, iter(due), []

        def submitted(count):
            for each in islice(waiting, count):
                future = client.submit(grade, each, release, *others, pure=False)
                at_work[future] = each
                yield future

        completed = as_completed(submitted(2 * max(1, len(threads))))
        for future in completed:
            each, error = at_work.pop(future), future.exception()
            if isinstance(error, KilledWorker):
                suspects.append(each)
            else:
                yield future.result()
            completed.update(submitted(1))
        # Dask suspects also what only waited in a worker that died: each alone tells.
        for each in suspects:
            future = client.submit(grade, each, *inputs, pure=False)
            killed = isinstance(future.exception(), KilledWorker)
            yield (each.key, KILLED) if killed else future.result()


def grade(
    submission: Submission, release: Release, decide: Decide, options: Mapping[str, object]
) -> tuple[str, Result | str]:
    """Grade one submission; the result is its key, and in place of a result what went wrong."""
    try:
        rebuilt = rebuild_all(submission.notebooks, release)
        graded = decide(submission.key, rebuilt, release, **options)
    except Exception as error:  # one submission never stops the batch
        logging.getLogger(__name__).debug("%s", submission.key, exc_info=True)
        return submission.key, f"grading failed: {type(error).__name__}: {error}"
    return submission.key, Result(
        graded=graded,
        answers={grade_id: text for each in rebuilt for grade_id, text in each.answers.items()},
        attachments={
            nbgrader(cell)["grade_id"]: cell.attachments
            for each in rebuilt
            for cell in each.notebook.cells
            if cell.get("attachments") and nbgrader(cell).get("grade")
        },
        notes={each.name: list(each.notes) for each in rebuilt if each.notes},
        fingerprint=fingerprint(submission, release),
    )


def fingerprint(submission: Submission, release: Release) -> dict[str, str]:
    """What a result depends on."""
    digest = hashlib.sha256()
    for name, data in sorted(submission.notebooks.items()):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return {
        "submission": digest.hexdigest(),
        "release": release.hash,
        "grading": _hash_of_grading(),
    }


def _hash_of_grading():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _write(folder, result):
    """Keep a result; a folder that is there is a whole one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary:
        new = Path(temporary, "result")
        new.mkdir()
        content = {
            **{key: getattr(result, key) for key in KEPT},
            "verdicts": [dataclasses.asdict(each) for each in result.graded.verdicts],
            "seconds": result.graded.seconds,
            "replay": dict(result.graded.replay),
            "ran": list(result.graded.ran),
        }
        write_text(new / "result.json", json.dumps(content, indent=1, default=str))
        for name, notebook in result.graded.ran.items():
            write_text(new / f"{name}.ipynb", nbformat.writes(notebook))
        if folder.exists():
            folder.rename(Path(temporary, "earlier"))
        new.rename(folder)


def _read(folder):
    """The result that was kept, or None."""
    try:
        content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        graded = Graded(
            key=folder.name,
            verdicts=tuple(
                Verdict(**{**each, "flags": tuple(each["flags"])}) for each in content["verdicts"]
            ),
            ran={
                name: nbformat.read(folder / f"{name}.ipynb", as_version=4)
                for name in content["ran"]
            },
            seconds=content["seconds"],
            replay=content["replay"],
        )
        return Result(graded, **{key: content[key] for key in KEPT})
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""From a folder of submissions to points: `python -m grading FOLDER`, behind `make grade`.

Reads what a learning platform exported, runs each notebook in a sandbox, decides outside of it, and
writes tables, feedback and the platform's own sheet into `build/grades/`. See grading/README.md.
"""

import argparse
import json
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path

import joblib
from filelock import FileLock, Timeout
from tqdm import tqdm

from grading.by_hand import written
from grading.giving_back import class_report, feedback, grades, gradescope, similarity, worksheets
from grading.batch import grade_all
from grading.edition.editions import read_release
from grading.by_hand.gradebook import points_in_gradebook, write_gradebook
from grading.handed_in.layouts import LAYOUTS
from grading.release import ROOT, Refused
from grading.handed_in.roster import read_roster, with_roster
from grading.handed_in.submissions import Ambiguous, read_submissions
from grading.tables import number, write_csv, write_text

GRADED, SOME_REFUSED, NOT_RUN, INTERRUPTED = 0, 1, 2, 130


def main(arguments=None, decide=None):
    """Run the command line; the result is the exit code.

    0: all was graded; 1: something that was handed in was refused; 2: nothing was done.
    """
    options = _options(arguments)
    build = options.build or ROOT / "build"
    (build / "grading").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(build / "grading" / ".lock", timeout=0):
            return run(options, build, decide)
    except Timeout:
        problem = f"Another run is writing to {build}; wait for it, or choose another with --build."
    except KeyboardInterrupt:
        print("\nInterrupted. What is graded is kept: the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    except (Ambiguous, Refused, worksheets.NoSheet, OSError, ValueError) as error:
        problem = str(error)
    print(problem, file=sys.stderr)
    return NOT_RUN


def run(options, build, decide):
    """Take in, grade, merge what was given by hand, say what changes, write."""
    out, kept = build / "grades", build / "grading"
    release = read_release(build=build)
    layout, submissions, strangers = read_submissions(
        options.submissions, release, options.layout, options.due
    )
    students = sum(len(each.students) for each in submissions)
    print(f"Layout: {layout}; {len(submissions)} submissions of {students} students.")
    for path, reason in strangers.items():
        print(f"  skipped: {path}: {reason}")
    remarks = []
    if options.roster:
        submissions, remarks = with_roster(submissions, read_roster(options.roster))
    if not submissions:
        raise ValueError(f"There is no notebook to grade in {options.submissions}.")
    only = _chosen(options.only, submissions)

    decide, settings = _decider(options, decide, release)
    results, failures = grade_all(
        submissions, release, kept / "results", decide, jobs=options.jobs,
        scheduler=options.scheduler, again=options.again, only=only, **settings,
    )  # fmt: skip

    state = _read_state(kept / "state.json")
    url = options.db or f"sqlite:///{(build / 'gradebook' / 'gradebook.db').resolve()}"
    (build / "gradebook").mkdir(exist_ok=True)
    answers = written.written_answers(results, release)
    from_sheet, stale = written.given_points(out / "by_hand.csv", answers)
    from_book = points_in_gradebook(url, list(results), release)
    again = {
        key
        for key, result in results.items()
        if key in state["points"]
        and state["points"][key]["fingerprint"].get("submission")
        != result.fingerprint["submission"]
    }
    given, odd = written.merged(from_sheet, from_book, answers, state["given"], again)
    remarks += [*stale, *odd]

    found = grades.standings(submissions, results, failures, given, release)
    after = grades.snapshot(found)
    changed = grades.changes(state["points"], after)
    _print_changes(changed)
    if options.dry_run:
        print("No table was written (--dry-run); what was graded is kept for the next run.")
        return SOME_REFUSED if any(each.is_refused for each in found) else GRADED

    write_csv(out / "grades.csv", grades.rows(found, release), grades.columns(release))
    written.write_sheet(out / "by_hand.csv", answers, given)
    pages = written.write_pages(out / "by_hand", answers, given, release)
    _write_feedback(out / "feedback", found, state["feedback"], options.jobs)
    class_report.write_class_report(out, found)
    replay = [_replay(options, standing) for standing in found if standing.result]
    helpers = ROOT / "helpers"
    class_report.write_report(
        out,
        found,
        release,
        {
            "layout": layout,
            "remarks": remarks,
            "hand_pages": [page.relative_to(out).as_posix() for page in pages],
            "similar": similarity.similar_pairs(results, release, helpers),
            "copied": similarity.taken_from_helpers(results, release, helpers),
            "replay": replay,
        },
    )
    write_gradebook(build / "gradebook", url, found, given, release)
    for each in options.worksheet:
        path, lines = worksheets.fill(each, out / "worksheets", found, release, options.column)
        worksheets.write_archive(out / "worksheets" / "feedback.zip", found, out / "feedback")
        print(f"\n{path}\n  " + "\n  ".join(lines))
    if options.format == "gradescope":
        for standing in found:
            gradescope.write_results(out / "gradescope", standing)
    state["points"] = after
    state["given"] |= written.remembered(given, answers)
    write_text(kept / "state.json", json.dumps(state, indent=1))
    return _say(found, remarks, out, build)


def _options(arguments):
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    add = parser.add_argument
    add("submissions", type=_existing, help="folder, or zip, as the platform exported it")
    add("--layout", default="", choices=LAYOUTS, help="of the folder; recognized if not given")
    add("--roster", type=_existing, help="CSV of the course: names, ids, emails, groups")
    add("--due", type=datetime.fromisoformat, help="as 2026-11-02T23:59, for the hours late")
    add("--only", action="append", default=[], metavar="STUDENT", help="grade this one alone")
    add("--again", action="store_true", help="grade also what has been graded already")
    add("--dry-run", action="store_true", help="say what would change, and write no table")
    add("--jobs", type=int, default=1, help="submissions at a time (1)")
    add("--scheduler", default="", help="address of a dask cluster that grades")
    add("--no-sandbox", action="store_true", help="run what students wrote as yourself: dangerous")
    add("--worksheet", type=_existing, action="append", default=[], metavar="FILE",
        help="sheet of Moodle, Canvas or Brightspace, of which a copy is filled")  # fmt: skip
    add("--column", default="", help="of the points in that sheet, if it is not plain")
    add("--format", choices=["gradescope"], help="write results.json for each student as well")
    add("--db", default="", help="URL of nbgrader's database; SQLite below build/ if not given")
    add("--build", type=Path, help="where results go; build/ of the checkout if not given")
    return parser.parse_args(arguments)


def _existing(text):
    path = Path(text).expanduser()
    if not text:  # of make grade alone
        raise argparse.ArgumentTypeError("none is named; as in: make grade SUBMISSIONS=folder")
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return path


def _chosen(only, submissions):
    """Keys of the submissions that somebody named by key, name or id."""
    keys = []
    for wanted in only:
        matching = [
            each.key
            for each in submissions
            if wanted.casefold()
            in {each.key.casefold(), written.pseudonym(each.key)}
            | {text.casefold() for s in each.students for text in (s.name, s.id, s.email) if text}
        ]
        if len(matching) != 1:
            known = ", ".join(matching or [each.key for each in submissions][:20])
            raise ValueError(f"--only {wanted}: {len(matching)} submissions; known: {known}")
        keys += matching
    return tuple(keys)


def _decider(options, decide, release):
    """The function that decides, and its settings."""
    if decide:  # another one, in tests
        return decide, {"sandbox": not options.no_sandbox, "limits": None}
    from grading.deciding.decide import decide
    from grading.running.kept import prepare
    from grading.running.sandbox import Limits, problem

    if not options.no_sandbox and problem():
        raise ValueError(
            f"No sandbox: {problem()}. Notebooks of students would run with all your rights. "
            "Make bubblewrap work, or, in a machine with nothing to lose, say --no-sandbox."
        )
    prepare(release, isolated=not options.no_sandbox)
    threads = max(1, (os.cpu_count() or 1) // max(1, options.jobs))
    return decide, {"sandbox": not options.no_sandbox, "limits": Limits(threads=threads)}


def _read_state(path):
    empty = {"points": {}, "given": {}, "feedback": {}}
    try:
        return empty | json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return empty


def _print_changes(changed):
    if changed:
        print(f"\n{len(changed)} grades change:")
    for each in changed:
        print("  {student}, {question}: {old} → {new}, {why}".format(**each))


def _write_feedback(folder, found, earlier, jobs):
    """The pages of all students, but for those that are there and have not changed since."""
    tasks = []
    for standing in filter(lambda each: each.result, found):
        key, ran, notes = standing.submission.key, standing.result.graded.ran, standing.result.notes
        marks = [repr(standing.verdicts), standing.result.fingerprint, standing.submission.notes]
        mark = written.short_hash(marks)
        there = all((folder / key / f"{name}.html").exists() for name in ran)
        if earlier.get(key) != mark or not there:
            lines = {name: [*notes.get(name, []), *standing.submission.notes] for name in ran}
            task = joblib.delayed(feedback.write_feedback)
            tasks.append(task(folder / key, ran, standing.verdicts, lines))
            earlier[key] = mark
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    bar = tqdm(
        parallel(tasks), total=len(tasks), desc="feedback", unit="student", disable=not tasks
    )
    for _ in bar:
        pass


def _replay(options, standing):
    """What repeats the grading of one student."""
    result, key = standing.result, standing.submission.key
    python = os.path.relpath(sys.executable)  # from where this was started, as other paths are
    command = [python, "-m", "grading", str(options.submissions), "--again", "--only", key]
    for name in "layout", "roster", "due", "scheduler", "db", "build":
        value = getattr(options, name)
        if value:
            command += [f"--{name}", value.isoformat() if name == "due" else str(value)]
    command += ["--jobs", str(options.jobs)] * (options.jobs > 1)  # a job has its share of threads
    command += ["--no-sandbox"] * options.no_sandbox
    return {
        "student": key,
        "submission": result.fingerprint["submission"],
        "release": result.fingerprint["release"],
        "seconds": number(round(result.graded.seconds, 1)),
        "versions": ", ".join(f"{name} {value}" for name, value in result.graded.replay.items()),
        "command": shlex.join(command),
    }


def _say(found, remarks, out, build):
    """The end of the output; the result is the exit code."""
    refused = [standing for standing in found if standing.is_refused]
    for standing in refused:
        for line in grades.remarks(standing):
            print(f"  {standing.name}: {line}")
    for line in remarks:
        print(f"  {line}")
    waiting = sum(len(standing.waiting) for standing in found)
    graded = sum(standing.result is not None for standing in found)
    print(f"\n{graded} graded, {len(refused)} with something refused.")
    if waiting:
        print(
            f"{waiting} answers wait to be graded by hand: read {out / 'by_hand'}, fill in "
            f"{out / 'by_hand.csv'} or formgrader in {build / 'gradebook'}, and run this again."
        )
    print(f"\nWritten:\n  {out / 'grades.csv'}\n  {out / 'report.html'}\n  {out / 'feedback'}")
    return SOME_REFUSED if refused else GRADED


if __name__ == "__main__":
    sys.exit(main())

"""Points for each graded cell, decided in the grader's own process.

The cells of a rebuilt notebook run in a sandbox, in their order. Where a check stands, it is made
here, on a stand-in for the student's function, and so are the hidden tests once all cells have run:
nothing that they are called with can get into an output any more.
"""

import ast
import contextlib
import copy
import functools
import io
import os
import platform
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

from nbformat import from_dict
from threadpoolctl import threadpool_limits

from grading import hidden_tests
from grading.deciding import claims
from grading.running import wire
from grading.exercises import CLAIMS, code_cells, nbgrader, needed_code
from grading.handed_in.reading import defined
from grading.running.kept import kept_caches
from grading.records import NOT_CHECKED, Exercise, Graded, Rebuilt, Release, Verdict
from grading.running.sandbox import Ended, Limits, Sandbox
from grading.running.sandbox import version as bubblewrap_version
from grading.running.session import Session, note
from grading.running.stand_ins import StandIn, failure, in_words
from helpers import checks
from helpers.checks.display import traceback_of
from helpers.checks.training_choices import BATCH_SIZES, SEED
from helpers.data import load_mnist

# Checks of numbers: these travel as JSON, and the training with them is done here.
OF_NUMBERS = {"choices", "choices_points", "effective_rate"}
FURTHER = "fails a further test"


class Found(NamedTuple):
    """What a check says: the share of the points, the mistake, and the message."""

    share: float
    mistake: str | None
    message: str


class Subject(NamedTuple):
    """What a check looks at: the name in the notebook, and the cells that answer it."""

    check: str
    name: str
    answers: tuple[int, ...]


def decide(
    submission_key: str,
    rebuilt: Sequence[Rebuilt],
    release: Release,
    *,
    sandbox: bool = True,
    limits: Limits | None = None,
) -> Graded:
    """Grade what one student handed in.

    Parameters
    ----------
    submission_key : str
    rebuilt : sequence of Rebuilt
    release : Release
    sandbox : bool
        Whether to isolate what runs: not where `grading.running.sandbox.problem` finds one.
    limits : Limits, optional

    Returns
    -------
    Graded
    """
    started, limits = time.monotonic(), limits or Limits()
    verdicts, ran = [], {}
    # Bars of what is trained here would be seen between those of the batch.
    with _cores(limits.threads), contextlib.redirect_stderr(io.StringIO()):
        for each in rebuilt:
            of_notebook, ran[each.name] = _notebook(each, release, sandbox, limits)
            verdicts += of_notebook
    seconds = time.monotonic() - started
    return Graded(submission_key, tuple(verdicts), ran, seconds, _versions(sandbox))


@contextlib.contextmanager
def _cores(number):
    """What is trained with here uses no more cores than what runs in the sandbox."""
    name = "LOKY_MAX_CPU_COUNT"  # as joblib counts them
    before = os.environ.get(name)
    os.environ[name] = str(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def _notebook(rebuilt, release, isolated, limits):
    """The verdicts on one notebook, and the notebook as it ran."""
    ran = copy.deepcopy(rebuilt.notebook)
    cells = code_cells(ran)
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    place = {nbgrader(cell).get("grade_id"): n for n, cell in enumerate(cells) if nbgrader(cell)}
    exercises = [each for each in release.exercises if each.notebook == rebuilt.name]
    stubs, answers_of = {}, {}
    for cell in release.released[rebuilt.name].cells:
        number = place.get(nbgrader(cell).get("grade_id"))
        if number is not None and nbgrader(cell).get("solution"):
            stubs[number] = _stub_that_says_so(cell.source)
            for name in defined(cell.source):
                answers_of.setdefault(name, []).append(number)
    graded = [place[each.grade_id] for each in exercises if each.grade_id in place]
    shown = {
        cell.get("id") for cell in cells if (_as_handed_in(rebuilt, cell) or {}).get("outputs")
    }
    needed = needed_code(ran, CLAIMS[rebuilt.name] & shown)
    start = functools.partial(Sandbox, limits, isolated=isolated, kept=kept_caches(release))
    found, flags, called = {}, [], {}
    with Session(cells, stubs, limits, start) as session:
        for number, cell in enumerate(cells):
            if number not in needed:
                cell.outputs = [from_dict(note("Not run again: no point depends on it."))]
                continue
            calls, rest = _check_calls(cell)
            called[number] = [Subject(*call, tuple(answers_of.get(call[1], ()))) for call in calls]
            for subject in called[number]:
                found[subject] = _visible(subject, session, cells)
                cell.outputs.append(from_dict(_shown(found[subject])))
            source = needed[number] if rest is None else rest
            reply = session.run(number, source)
            cell.outputs += map(from_dict, reply["outputs"])
            if rest is None and source != cell.source:
                cell.outputs.append(from_dict(note("Run again as far as points depend on it.")))
            seen = {subject: found[subject] for subject in called[number]}
            flags += [(number, flag) for flag in _flags(rebuilt, cell, reply, seen)]
        verdicts = []
        for exercise in exercises:
            subjects = called.get(place.get(exercise.grade_id), [])
            for subject in subjects:
                if found[subject].share == 1:
                    found[subject] = _hidden(subject, session, found[subject])
            verdicts.append(_verdict(exercise, [found[subject] for subject in subjects]))
    return [_flagged(verdict, graded, place, flags) for verdict in verdicts], ran


def _visible(subject, session, cells):
    """What the check of the notebook says."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            of_stopped = _why_not_defined(subject, session, cells)
            if of_stopped:
                raise of_stopped
            given = _given(subject, session)
            if subject.check in ("choices", "choices_points"):
                return _choices(given)
            getattr(checks, subject.check)(given)
        except checks.CheckFailed as error:
            return Found(0.0, error.mistake or "not right", str(error))
        except Exception as error:  # of a check that was given what nobody thought of
            return Found(0.0, NOT_CHECKED, f"{subject.name} cannot be checked: {error!r:.200}")
    return Found(1.0, None, claims.plain(printed.getvalue()).strip())


def _hidden(subject, session, visible):
    """What the hidden tests say; of their inputs and results nothing is told."""
    test = getattr(hidden_tests, subject.check, None)
    if test is None:
        return visible
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            test(_given(subject, session))
            return visible
        except checks.CheckFailed as error:  # its message may be the student's own
            mistake, reason = error.mistake or FURTHER, error.mistake or "it fails"
        except AssertionError as error:
            mistake, reason = FURTHER, str(error)
        except Exception:
            mistake, reason = FURTHER, "what it returns cannot be used"
    text = f"{subject.name} is right in the check above, but not in further tests: {reason}."
    return Found(0.0, mistake, text)


def _given(subject, session):
    """A stand-in for the function, or the numbers."""
    exchange = session.calls_for(subject.answers)
    with contextlib.suppress(Ended):  # then there is no kernel, as the call will say
        session.warm_up(subject.check)
    if subject.check not in OF_NUMBERS:
        return StandIn(subject.name, exchange, session.limits.call_seconds)
    try:
        reply, arrays = exchange({"name": subject.name})
        if "result" not in reply:
            raise failure(subject.name, reply)
        return wire.decode(reply["result"], arrays)
    except Ended as ended:
        raise checks.CheckFailed(f"{subject.name} {in_words(ended)}.", str(ended)) from None
    except wire.BadMessage as error:
        raise checks.CheckFailed(f"{subject.name} is no number: {error}", "not a number") from None


def _choices(given):
    """The gaps that the choices reach, by training with them here."""
    X_train, Y_train = _training_images()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            checks.choices(given, X_train, Y_train)
            return Found(1.0, None, claims.plain(printed.getvalue()).strip())
        except checks.CheckFailed as error:
            mistake, message = error.mistake, str(error)
        try:  # the runs are kept: this costs nothing any more
            points = checks.choices_points(given, X_train, Y_train)
        except checks.CheckFailed:
            points = 0.0
    return Found(points / len(BATCH_SIZES), mistake, message)


@functools.cache
def _training_images():
    return load_mnist()[:2]


def _why_not_defined(subject, session, cells):
    """A CheckFailed where the cell of an answer was stopped or ended in an error."""
    for number in subject.answers:
        if number in session.stopped:
            reason = session.stopped[number]
            return checks.CheckFailed(f"The cell of {subject.name} {in_words(reason)}.", reason)
        for output in cells[number].outputs:
            if output.output_type == "error" and output.ename != "CheckFailed":
                error = f"{output.ename}: {output.evalue}"[:400]
                text = f"The cell of {subject.name} ended with {error}."
                return checks.CheckFailed(text, "its cell ends with an error")
    return None


def _verdict(exercise: Exercise, found: list[Found]) -> Verdict:
    question, grade_id, most = exercise.question, exercise.grade_id, exercise.max_points
    if exercise.by_hand:
        return Verdict(question, grade_id, None, most)
    if not found:
        text = "This was not reached."
        return Verdict(question, grade_id, 0.0, most, "not reached", text)
    worst = min(found, key=lambda each: each.share)
    # A check that fails by itself says nothing about the answer: a person has to.
    points = None if worst.mistake == NOT_CHECKED else round(worst.share * most, 4)
    return Verdict(question, grade_id, points, most, worst.mistake, worst.message)


def _flags(rebuilt, cell, reply, found):
    """What the grader should know of a cell; `found` is what its checks say."""
    where = nbgrader(cell).get("grade_id") or cell.get("id")
    if reply["status"] == "late":
        yield f"{where}: interrupted, as it took too long"
    elif reply["status"] != "ok":
        yield f"{where}: its kernel was ended ({reply['status']})"
    if reply.get("dropped"):
        yield f"{where}: most of its output was left out"
    if nbgrader(cell).get("solution") or cell.metadata.get("added"):
        names = claims.manipulations(cell.source)
        if names:
            yield f"{where}: the code has {', '.join(names)}"
    for each in found.values():
        if each.mistake == NOT_CHECKED:
            yield f"{where}: {each.message}: look at it, the fault may be the grader's"
    handed_in = _as_handed_in(rebuilt, cell)
    if handed_in is None:
        return
    for subject, each in found.items():
        if each.share < 1 and claims.says_right(handed_in.get("outputs", [])):
            yield f"{where}: as handed in, its output says that {subject.name} is right"
    if not found and reply["status"] == "ok":
        outputs = handed_in.get("outputs", [])
        for line in claims.compare(outputs, cell.outputs, cell.metadata.get("tags", [])):
            yield f"{where}: its stored output {line}"


def _as_handed_in(rebuilt, cell):
    """The cell as it came, with the outputs that the student claims."""
    grade_id = nbgrader(cell).get("grade_id")
    for each in rebuilt.handed_in.cells if rebuilt.handed_in else []:
        if each.cell_type == "code" and (
            (grade_id and nbgrader(each).get("grade_id") == grade_id)
            or (not grade_id and each.source == cell.source)
        ):
            return each
    return None


def _flagged(verdict, graded, place, flags):
    """A flag belongs to the next graded cell, or else to the last one."""
    at = place.get(verdict.grade_id)
    if at is None or not graded:
        return verdict
    own = [
        text
        for number, text in flags
        if at == min((each for each in graded if each >= number), default=max(graded))
    ]
    return Verdict(**{**vars(verdict), "flags": (*verdict.flags, *own)})


def _check_calls(cell):
    """The checks that a released cell makes, as pairs of check and name, and what else is in it.

    Where there is no check in it, the rest is None: all of it is to run.
    """
    if nbgrader(cell).get("solution") or cell.metadata.get("added"):
        return [], None
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:
        return [], None
    calls, rest = [], []
    for statement in body:
        match statement:
            case ast.Expr(
                ast.Call(ast.Attribute(ast.Name("checks"), check), [ast.Name(name), *_])
            ) if check in checks.__all__:
                calls.append((check, name))
            case _:
                rest.append(ast.get_source_segment(cell.source, statement))
    return (calls, "\n".join(rest)) if calls else ([], None)


def _stub_that_says_so(source):
    """The stub of an answer, for those that call it after it was stopped."""
    name = next(iter(defined(source)), "this")
    text = f'raise checks.CheckFailed("{name} was stopped before.", "calls what was stopped")'
    return source.replace("checks.not_attempted()", text)


def _shown(found):
    """A cell's output for what a check says."""
    if found.mistake is None:
        return {"output_type": "stream", "name": "stdout", "text": f"{found.message}\n"}
    return {
        "output_type": "error",
        "ename": "CheckFailed",
        "evalue": found.message,
        "traceback": traceback_of(found.message),
    }


def _versions(isolated):
    """What a replay needs to know: seeds, and what this machine has."""
    packages = ["numpy", "pandas", "numba", "torch", "tensorflow", "nbclient", "ipykernel"]
    found = {"seed": hidden_tests.SEED, "seed of runs": SEED, "python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(Exception):
            found[package] = version(package)
    return found | {"sandbox": bubblewrap_version() if isolated else "none"}

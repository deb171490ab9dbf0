"""Where submissions are graded: here, in processes, or on a cluster, with the same results."""

import dataclasses
import os
import signal
import time

import pytest

from grading.batch import fingerprint, grade_all
from grading.records import Student, Submission
from tests.grading.build import model_submission, noting, quick_decide, release

KEYS = ("ada", "bob", "cee", "dee", "eve", "fay")


def submissions():
    notebooks = {"02_hand_coded_sgd": model_submission()["02_hand_coded_sgd"]}
    return [Submission(key, (Student(key),), notebooks) for key in KEYS]


def where(key, rebuilt, release, **options):
    """As `quick_decide`, and says in which process."""
    time.sleep(1)  # so that nobody takes all
    graded = quick_decide(key, rebuilt, release)
    return dataclasses.replace(graded, replay={"process": os.getpid()})


def grade(folder, decide=where, **options):
    results, failures = grade_all(submissions(), release(), folder, decide, **options)
    assert not failures and tuple(results) == KEYS
    return results


@pytest.fixture(params=["processes", "cluster"])
def two_workers(request):
    """Options for two workers at a time."""
    if request.param == "processes":
        yield dict(jobs=2)
        return
    import dask
    from dask.distributed import Client, LocalCluster

    # Suspected at once, and not after three deaths, is also what waited in a worker that died.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        with Client(cluster) as client:
            client.wait_for_workers(2)
        yield dict(scheduler=cluster.scheduler_address)


@pytest.mark.slow
def test_several_workers_share_the_submissions(tmp_path, two_workers):
    here = grade(tmp_path / "here")
    there = grade(tmp_path / "there", **two_workers)
    processes = {result.graded.replay["process"] for result in there.values()}
    assert len(processes) == 2 and os.getpid() not in processes
    assert {key: result.graded.verdicts for key, result in there.items()} == {
        key: result.graded.verdicts for key, result in here.items()
    }


def killed(key, rebuilt, release, **options):
    """As `quick_decide`, but one submission ends the process that grades it."""
    if key == "bob":
        os.kill(os.getpid(), signal.SIGKILL)
    return quick_decide(key, rebuilt, release)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_own_submission_alone(tmp_path, two_workers):
    results, failures = grade_all(submissions(), release(), tmp_path, killed, **two_workers)
    assert set(results) == {*KEYS} - {"bob"} and "was killed" in failures["bob"]


def test_what_is_kept_is_what_was_graded(tmp_path):
    first = grade(tmp_path, quick_decide)
    again = grade(tmp_path, lambda *rest, **options: pytest.fail("graded again"))
    for key in KEYS:
        assert again[key].graded.verdicts == first[key].graded.verdicts
        assert again[key].graded.ran == first[key].graded.ran
        assert again[key].answers == first[key].answers
        assert again[key].fingerprint == first[key].fingerprint


def test_a_result_depends_on_the_submission_and_the_release():
    one, *_ = submissions()
    other = dataclasses.replace(one, notebooks={"02_hand_coded_sgd": b"{}"})
    assert fingerprint(one, release()) != fingerprint(other, release())
    changed = dataclasses.replace(release(), hash="another")
    assert fingerprint(one, release()) != fingerprint(one, changed)


def test_a_result_that_was_half_written_is_made_again(tmp_path):
    grade(tmp_path, quick_decide)
    (tmp_path / "ada" / "02_hand_coded_sgd.ipynb").write_text("{")
    graded = []
    grade(tmp_path, noting(graded))
    assert graded == ["ada"]

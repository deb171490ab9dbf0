"""The whole command on real submissions in the sandbox: one short notebook, nothing replaced."""

import contextlib
import csv
import html
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import psutil
import pytest

from grading.__main__ import main
from grading.release import ROOT
from grading.running import sandbox
from tests.grading.build import answered, as_bytes, model, noting, untouched, write

DATA = "01_data_preparation"
NO_BUBBLEWRAP = sandbox.problem()
WRONG = """def my_preprocess_data(data):
    images, labels = data.data.numpy(), data.targets.numpy()
    return images.reshape(len(images), -1) / np.float32(256), np.eye(10)[labels]"""
# What is prepared for all takes half a minute, and this notebook needs nothing of it.
COMMAND = """
import sys
from grading.running import kept
kept.prepare = lambda *_, **options: None
from grading.__main__ import main
sys.exit(main())
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NO_BUBBLEWRAP), reason=f"no sandbox: {NO_BUBBLEWRAP}"),
]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Two students, of whom the second is right."""
    monkeypatch.setattr("grading.running.kept.prepare", lambda *_, **options: None)
    wrong = answered(DATA, {"q1-preprocess-data": WRONG})
    write(tmp_path / "in" / "Zoë O'Neil, jr", {DATA: as_bytes(wrong)})
    write(tmp_path / "in" / "ada", {DATA: as_bytes(model(DATA))})
    return tmp_path


def arguments(course, *options):
    return [str(course / "in"), "--build", str(course / "build"), *options]


def points(course):
    with open(course / "build" / "grades" / "grades.csv", encoding="utf-8", newline="") as stream:
        return {row["submission"]: row["Q1"] for row in csv.DictReader(stream)}


def kept(course):
    """What is kept of each grading, but for its seconds, and when it was written."""
    found = {}
    for path in (course / "build" / "grading" / "results").glob("*/result.json"):
        text = re.sub(r'"seconds": [\d.]+', "", path.read_text("utf-8"))
        found[path.parent.name] = text, path.stat().st_mtime_ns
    return found


@pytest.mark.thorough
def test_one_student_is_graded_again_and_changes_are_said_beforehand(course, capsys):
    zoe = "Zoë_O_Neil_jr"
    assert main(arguments(course)) == 0
    assert points(course) == {zoe: "0", "ada": "1"}
    first = kept(course)
    report = html.unescape((course / "build/grades/report.html").read_text("utf-8"))
    assert "divided by 256" in report
    [command] = [c for c in re.findall(r"<code>(.* -m grading .*)</code>", report) if zoe in c]
    program, _, module, *repeats = shlex.split(command)
    assert os.path.samefile(program, sys.executable) and module == "grading"
    assert main(repeats) == 0
    again = kept(course)
    assert again[zoe][0] == first[zoe][0] and again[zoe][1] > first[zoe][1]
    assert again["ada"] == first["ada"]
    assert points(course) == {zoe: "0", "ada": "1"}

    write(course / "in" / "ada", {DATA: as_bytes(untouched(DATA))})
    line = "ada, Q1 (q1-preprocess-data-check): 1 → 0, another submission, mistake: not attempted"
    for options, said, written in [
        (["--only", zoe], False, "1"),
        (["--dry-run"], True, "1"),
        ([], True, "0"),
        ([], False, "0"),
    ]:
        capsys.readouterr()
        assert main(arguments(course, *options)) == 0
        assert (line in capsys.readouterr().out) == said
        assert points(course)["ada"] == written


def sandboxes(process):
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
        return [each for each in children if each.name() == "bwrap"]
    return []


def test_ctrl_c_leaves_no_process_and_the_next_run_goes_on(course):
    command = [sys.executable, "-c", COMMAND, *arguments(course)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        # It is ignored below a shell that runs this in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while process.poll() is None and not (kept(course) and sandboxes(process)):
        time.sleep(0.05)
    inside = psutil.Process(process.pid).children(recursive=True)
    assert inside
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    last = re.split(r"[\r\n]+", said.strip())[-1]
    assert last == "Interrupted. What is graded is kept: the same command goes on."
    _, alive = psutil.wait_procs(inside, timeout=5)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    graded = []
    assert main(arguments(course), decide=noting(graded)) == 0
    assert graded == ["ada"]

"""Notebooks as tests: data first, and numbers compared within the tolerance named in a tag.

With several workers a notebook stays on one, and what measures time runs while all others wait.
"""

import fcntl
import os
import re
import tempfile

import hypothesis
import nbval.plugin
import pytest
from nbval.plugin import IPyNbCell

from helpers.data import load_mnist
from tools.notebooks import NOT_INHERITED
from tools.tolerance import settle, tolerances

# A test with one of these in its name or among its parameters starts that framework.
FRAMEWORK = re.compile("tensorflow|torch|keras|frameworks")
# A test that interrupts might do so while coverage holds a lock, and then nothing goes on.
INTERRUPT = re.compile("interrupt|ctrl_c|forever|endless|never_ends|stop")
compare_exactly = IPyNbCell.compare_outputs
held = []  # the descriptor of the lock that this worker holds

# Properties are searched alike on every machine, however busy it is.
hypothesis.settings.register_profile("alike", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("alike")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers inherit the environment
        for name in NOT_INHERITED:
            os.environ.pop(name, None)
        # An empty cache: what nbval compares is computed now, not read from an earlier run.
        cache = tempfile.TemporaryDirectory(prefix="study-cache-")
        config.add_cleanup(cache.cleanup)
        os.environ["STUDY_CACHE"] = cache.name
    IPyNbCell.compare_outputs = compare_within_tolerance
    # Kernels run without coverage.
    nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *_: None


def pytest_itemcollected(item):
    if FRAMEWORK.search(item.nodeid):
        item.add_marker("slow")
    if isinstance(item, IPyNbCell):
        item.add_marker("slow")
        if "timed" in item.cell.metadata.get("tags", []):
            item.add_marker("timed")
    if INTERRUPT.search(item.nodeid):
        item.add_marker("interrupts")


def is_timed(item):
    """Whether a test, or a cell, runs while all other workers wait."""
    return item is not None and item.get_closest_marker("timed") is not None


def pytest_collection_modifyitems(items):
    """Files with timed tests come first, and in them these tests, in a row: little is waited for.

    A notebook keeps its order.
    """
    order = {path: place for place, path in enumerate(dict.fromkeys(each.path for each in items))}
    timed = {each.path for each in items if is_timed(each)}

    def place(item):
        late_in_its_file = item.path.suffix == ".py" and not is_timed(item)
        return item.path not in timed, order[item.path], late_in_its_file

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Run timed tests alone: up to the last in a row they hold a lock that all others share.

    Whoever waits for it keeps the others at the door, or it might wait as long as there are tests.
    """
    if not hasattr(item.config, "workerinput"):
        return (yield)
    if not held:
        with open(__file__) as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            held.append(os.open(item.config.inipath, os.O_RDONLY))
            fcntl.flock(held[0], fcntl.LOCK_EX if is_timed(item) else fcntl.LOCK_SH)
    try:
        return (yield)
    finally:
        if not (is_timed(item) and is_timed(nextitem)):
            os.close(held.pop())


def pytest_terminal_summary(terminalreporter):
    """What tests recorded to be shown, such as which mistake is taken for which.

    What they print themselves is lost where they run in workers.
    """
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "shown":
                terminalreporter.write_line(text)


def pytest_collection_finish(session):
    """Get MNIST before a cell's time limit runs."""
    if any(isinstance(item, IPyNbCell) for item in session.items):
        load_mnist()


def compare_within_tolerance(item, test, ref, skip_compare=None):
    """nbval's own comparison, after numbers within tolerance have been set to the stored ones."""
    limits = tolerances(item.cell.metadata.get("tags", []))
    if limits and len(test) == len(ref):
        for new, stored in zip(test, ref, strict=True):
            settle_output(new, stored, item.sanitize, limits)
    return compare_exactly(item, test, ref, skip_compare)


def settle_output(new, stored, sanitize, limits):
    """Settle the texts of one output: of a stream, or of each representation of a result."""
    for texts, stored_texts in (new, stored), (new.get("data", {}), stored.get("data", {})):
        for kind in texts.keys() & stored_texts.keys():
            if kind == "text" or kind.startswith("text/"):
                texts[kind] = settle(sanitize(texts[kind]), sanitize(stored_texts[kind]), **limits)

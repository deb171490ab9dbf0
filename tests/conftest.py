"""Notebooks as tests: data first, and numbers compared within the tolerance named in a tag."""

import os
import tempfile

from nbval.plugin import IPyNbCell

from helpers.data import load_mnist
from tools.notebooks import NOT_INHERITED
from tools.tolerance import settle, tolerances

compare_exactly = IPyNbCell.compare_outputs


def pytest_configure(config):
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    # An empty cache: what nbval compares is computed now, not read from an earlier run.
    cache = tempfile.TemporaryDirectory(prefix="study-cache-")
    config.add_cleanup(cache.cleanup)
    os.environ["STUDY_CACHE"] = cache.name
    IPyNbCell.compare_outputs = compare_within_tolerance


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

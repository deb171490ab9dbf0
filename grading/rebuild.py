"""Putting right: each notebook rebuilt on the released skeleton."""

from collections.abc import Mapping

from nbformat import NotebookNode

from grading.records import Rebuilt, Release


def rebuild(name: str, handed_in: NotebookNode, release: Release) -> Rebuilt:
    """One notebook on the released skeleton."""
    raise NotImplementedError


def rebuild_all(notebooks: Mapping[str, NotebookNode], release: Release) -> list[Rebuilt]:
    """The notebooks of a submission, in the order of the release."""
    return [
        rebuild(name, notebooks[name], release) for name in release.released if name in notebooks
    ]

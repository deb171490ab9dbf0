"""What is equal for all submissions, computed once: compiled code, study runs, lists of fonts.

The released notebooks themselves run once in a sandbox that may write to these caches. Later
sandboxes see them read-only, so that no submission changes what another one gets.
"""

import shutil

from filelock import FileLock

from grading.exercises import needed_code
from grading.running.sandbox import CACHES, ROOT, Limits, Sandbox
from helpers.checks.training_choices import task_of
from helpers.data import DATA_DIR, load_mnist

BUILD = ROOT / "build"


def kept_caches(release):
    """The folder of caches of a release, or None while there is none."""
    folder = BUILD / "kept" / release.hash[:16]
    return folder if (folder / "complete").exists() else None


def prepare(release, *, isolated=True, limits=None, say=print):
    """Fill the caches of a release, unless they are there.

    Parameters
    ----------
    release : Release
    isolated : bool
        As for `grading.deciding.decide.decide`.
    limits : Limits, optional
    say : callable
        Is told once, before it takes minutes.

    Returns
    -------
    pathlib.Path
    """
    folder = BUILD / "kept" / release.hash[:16]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # for the user that students' code runs as, where the grader is root
    with FileLock(folder / "lock"):
        if (folder / "complete").exists():
            return folder
        say("Once for this release: its own cells run, which takes some minutes.")
        for place in CACHES.values():
            (folder / place).mkdir(exist_ok=True)
        if (DATA_DIR / "study").exists():  # runs of `make run` are the same runs
            shutil.copytree(DATA_DIR / "study", folder / "study", dirs_exist_ok=True)
        limits = limits or Limits(cell_seconds=3600)
        for notebook in release.released.values():
            with Sandbox(limits, isolated=isolated, kept=folder, fill=True) as sandbox:
                for _, source in sorted(needed_code(notebook).items()):
                    sandbox.run(source)
        task_of(*load_mnist()[:2])  # J*, for the choices that are trained with here
        (folder / "complete").touch()
    return folder

"""What is equal for all submissions, computed once: J*, compiled code, the list of fonts.

It is computed in a sandbox that may write to these caches. Later sandboxes see them read-only, so
that no submission changes what another one gets. No run of a solution or of a student is in them.
"""

from filelock import FileLock

from grading.running.sandbox import CACHES, ROOT, Limits, Sandbox
from helpers.checks.training_choices import task_of
from helpers.data import load_mnist

BUILD = ROOT / "build"
WARM_UP = """
import os
import sys

sys.path.insert(0, os.path.dirname(os.getcwd()))
import matplotlib.font_manager

from helpers import sgd
from helpers.checks.training_choices import task_of
from helpers.data import load_mnist

data = load_mnist()
task_of(*data[:2])
settings = dict(batch_size=10, learning_rate=0.01, num_iterations=100, reg_lambda=1e-4)
sgd.train_classifier(*data[:2], X_test=data[2], Y_test=data[3], engine="numba", **settings)
"""


def kept_caches(release):
    """The folder of caches of a release, or None while there is none."""
    folder = BUILD / "kept" / release.hash[:16]
    return folder if (folder / "complete").exists() else None


def prepare(release, *, isolated=True, say=print):
    """Fill the caches of a release, unless they are there.

    Parameters
    ----------
    release : Release
    isolated : bool
        As for `grading.deciding.decide.decide`.
    say : callable
        Is told once, before it takes its time.

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
        say("Once for this release: J* and compiled code, which takes half a minute.")
        for place in CACHES.values():
            (folder / place).mkdir(exist_ok=True)
        with Sandbox(
            Limits(cell_seconds=600), isolated=isolated, kept=folder, fill=True
        ) as sandbox:
            sandbox.run(WARM_UP)
        task_of(*load_mnist()[:2])  # for the choices that are trained with here
        (folder / "complete").touch()
    return folder

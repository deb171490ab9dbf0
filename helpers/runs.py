"""Runs that do not depend on each other, side by side."""

from joblib import Parallel, delayed

from helpers.progress import progress_bar
from helpers.sgd import train_classifier
from helpers.threads import one_blas_thread


def run_all(settings, X_train, Y_train, X_test=None, Y_test=None, *, n_jobs=-1, progress=False):
    """Train one classifier for each entry of `settings`, as many at a time as there are cores.

    The runs share the arrays as threads of this process: the compiled engine and NumPy's products
    run outside Python's lock. Any other joblib backend does it too:

        with joblib.parallel_config("loky"):
            run_all(...)

    No run gets threads of its own, neither for updates nor for products, so that runs do not wait
    for each other and the results do not depend on how many there are at a time. Only PyTorch and
    TensorFlow have their own threads: give their runs `n_jobs=1`.

    Parameters
    ----------
    settings : iterable of dict
        Keyword arguments of `train_classifier`, one dictionary a run. Long runs first make the best
        use of the cores.
    X_train, Y_train, X_test, Y_test : arrays
        As for `train_classifier`, the same for all runs.
    n_jobs : int or None
        Runs at a time, counted as joblib does: −1 is one for each core, None what
        `joblib.parallel_config` says.
    progress : bool
        Show a bar that counts the runs.

    Returns
    -------
    list of helpers.sgd.History
        In the order of `settings`. The seconds of a history are those on the clock: where runs
        share the memory of the machine they are somewhat longer than for a run alone.

    Raises
    ------
    ValueError
        As `train_classifier`.
    """
    settings = list(settings)
    run = delayed(train_classifier)
    examples = {"X_test": X_test, "Y_test": Y_test}
    histories = []
    with (
        one_blas_thread(),
        progress_bar(len(settings), "Training", "run", wanted=progress) as bar,
    ):
        parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
        for history in parallel(run(X_train, Y_train, **examples, **each) for each in settings):
            histories.append(history)
            bar.update()
    return histories

"""Measurements besides the updates, each in a process of its own.

`python -m benchmarks.parts NAME` prints one JSON object.
"""

import json
import resource
import sys
import tempfile
import time

import numpy as np


def ceiling():
    """Bytes that this machine reads from memory, and float32 operations it does, in a second."""
    from concurrent.futures import ThreadPoolExecutor
    from os import cpu_count

    halves = np.ones((cpu_count(), 25_000_000), np.float32)
    A = np.ones((2000, 2000), np.float32)
    with ThreadPoolExecutor(len(halves)) as pool:
        seconds = [_seconds(lambda: list(pool.map(np.max, halves))) for _ in range(7)]
    return {
        "bytes_per_second": halves.nbytes / min(seconds),
        "flops_per_second": 2 * len(A) ** 3 / min(_seconds(lambda: A @ A) for _ in range(7)),
    }


def data():
    """Seconds for the 60,000 images: all at once, and one by one through ToTensor."""
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor

    from helpers.data import fetch_mnist, preprocess_data

    images = MNIST(fetch_mnist())
    one_by_one = MNIST(fetch_mnist(), transform=ToTensor())
    some = 3000
    at_once, loop = [], []
    for _ in range(5):
        at_once.append(_seconds(lambda: preprocess_data(images)))
        loop.append(
            _seconds(lambda: np.stack([one_by_one[i][0].numpy().ravel() for i in range(some)]))
            * len(images)
            / some
        )
    return {"at_once": float(np.median(at_once[1:])), "one_by_one": float(np.median(loop[1:]))}


def notebook():
    """Seconds and peak memory of the whole study: notebook 3, from an empty cache of runs."""
    import nbformat

    from tools.notebooks import ROOT, execute

    path = ROOT / "notebooks" / "03_batch_size_study.ipynb"
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        failure = execute(nbformat.read(path, as_version=4), path, {"STUDY_CACHE": cache})
    if failure:
        raise RuntimeError(failure)
    # The kernel is the only large child of this process.
    return {"wall": time.perf_counter() - started, "peak_bytes": _peak(resource.RUSAGE_CHILDREN)}


def four_runs(n_jobs):
    """The four runs of the sample solution, with an evaluation on everything after each epoch."""
    from helpers.data import load_mnist
    from helpers.support.parallel import run_all
    from helpers.sgd import train_classifier

    mnist = load_mnist()
    settings = [
        dict(batch_size=B, learning_rate=0.001 * B, reg_lambda=1e-3, engine="numba", num_epochs=50)
        for B in (1, 10, 100, 1000)
    ]
    warm_up = dict(settings[0], num_epochs=None, num_iterations=1)
    test_set = {"X_test": mnist.X_test, "Y_test": mnist.Y_test}
    train_classifier(mnist.X_train, mnist.Y_train, **warm_up)  # compiles, on a new machine
    started, cpu_started = time.perf_counter(), time.process_time()
    histories = run_all(
        train_classifier,
        [each | test_set for each in settings],
        mnist.X_train,
        mnist.Y_train,
        n_jobs=int(n_jobs),
        progress=False,
    )
    return {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu_started,
        "updates": [float(history.seconds[-1]) for history in histories],
        "test_accuracy": [float(history.test_accuracy[-1]) for history in histories],
        "peak_bytes": _peak(resource.RUSAGE_SELF),
    }


def scale():
    """Microseconds an example, for 10,000, 60,000 and 600,000 images (MNIST, repeated)."""
    from benchmarks.implementations import our_numba
    from helpers.data import load_mnist

    mnist = load_mnist()
    X, Y = np.tile(mnist.X_train, (10, 1)), np.tile(mnist.Y_train, (10, 1))
    sizes = (10_000, 60_000, 600_000)
    rng = np.random.default_rng(0)
    result = {}
    for batch_size in (1, 100):
        runs = {size: our_numba(X[:size], Y[:size], batch_size) for size in sizes}
        costs = {size: [] for size in sizes}
        for _ in range(9):
            for size, run in runs.items():
                rows = rng.permutation(size)[:60_000]
                # Of this thread, which makes all updates: the processor may be shared.
                started = time.thread_time()
                run(rows)
                costs[size].append((time.thread_time() - started) / len(rows) * 1e6)
        result[batch_size] = [float(np.median(costs[size][1:])) for size in sizes]
    return result


def _peak(who):
    """Largest resident memory in bytes; macOS counts it in bytes, others in KiB."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _seconds(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    parts = {part.__name__: part for part in (ceiling, data, four_runs, notebook, scale)}
    print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))

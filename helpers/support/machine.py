"""What a machine is like whose seconds are compared."""

import os
import timeit

import numpy as np
from threadpoolctl import threadpool_info


def calibration() -> dict:
    """What this machine does with a fixed product of matrices, to compare seconds across machines.

    Returns
    -------
    dict
        Seconds for the product of a float32 (1000, 784) with a (784, 10) matrix, the best of 200,
        with the number of BLAS threads in use, and the number of cores.
    """
    rng = np.random.default_rng(0)
    X, W = rng.random((1000, 784), np.float32), rng.random((784, 10), np.float32)
    seconds = min(timeit.repeat(lambda: X @ W, number=1, repeat=200))
    threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    return {"seconds": seconds, "BLAS threads": max(threads, default=1), "cores": os.cpu_count()}

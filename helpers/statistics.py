"""Intervals and tests: is a difference between two sets of runs, or two classifiers, real?"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def mean_difference(
    first: ArrayLike, second: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of paired differences with its confidence interval (Student's t).

    Parameters
    ----------
    first, second : arrays (n,)
        Of the same seeds, in the same order; n at least 2.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    mean, low, high : float

    Raises
    ------
    ValueError
        Fewer than two pairs, different lengths, numbers that are not finite, or a confidence that
        is none.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)  # uint8 would wrap around
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise ValueError(
            f"the values are {first.shape} and {second.shape}, expected two of the same length, a "
            "number for each seed, and at least two seeds: one has no spread to go by"
        )
    if not (np.isfinite(first) & np.isfinite(second)).all():
        raise ValueError(
            "some values are not finite: leave out the seeds whose runs diverged, in both, and say "
            "so"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}, expected a number between 0 and 1")
    difference = first - second
    mean = float(difference.mean())
    if np.ptp(difference) == 0:
        return mean, mean, mean
    interval = stats.ttest_1samp(difference, 0).confidence_interval(confidence)
    return mean, float(interval.low), float(interval.high)


def mcnemar(
    predicted_a: ArrayLike, predicted_b: ArrayLike, truth: ArrayLike
) -> tuple[int, int, float]:
    """McNemar's exact test: are two classifiers wrong equally often?

    Only images on which exactly one of them is right say anything about it. If both are equally
    good, either is the right one with probability ½ (McNemar 1947).

    Parameters
    ----------
    predicted_a, predicted_b, truth : arrays (n,)
        A class for each image, such as an int.

    Returns
    -------
    only_a, only_b : int
        Images on which only a, or only b, is right.
    p_value : float
        1 if there is no such image.

    Raises
    ------
    ValueError
        Not one class for each image in all three.
    """
    predicted_a, predicted_b, truth = map(np.asarray, (predicted_a, predicted_b, truth))
    if truth.ndim != 1 or not predicted_a.shape == predicted_b.shape == truth.shape:
        raise ValueError(
            f"the classes are {predicted_a.shape}, {predicted_b.shape} and {truth.shape}, expected "
            "(n,) of all three, a class for each image; from one-hot rows: Y.argmax(axis=1)"
        )
    right_a, right_b = predicted_a == truth, predicted_b == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if only_a + only_b == 0:
        return 0, 0, 1.0
    return only_a, only_b, float(stats.binomtest(only_a, only_a + only_b).pvalue)

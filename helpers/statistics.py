"""Intervals and tests: is a difference between two sets of runs, or two classifiers, real?"""

import numpy as np
from scipy import stats


def mean_difference(first, second, confidence=0.95):
    """Mean of paired differences with its confidence interval (Student's t).

    Parameters
    ----------
    first, second : arrays (n,)
        Of the same seeds, in the same order; n at least 2.
    confidence : float

    Returns
    -------
    mean, low, high : float
    """
    difference = np.asarray(first) - np.asarray(second)
    if np.ptp(difference) == 0:
        return difference[0], difference[0], difference[0]
    interval = stats.ttest_1samp(difference, 0).confidence_interval(confidence)
    return difference.mean(), interval.low, interval.high


def mcnemar(predicted_a, predicted_b, truth):
    """McNemar's exact test: are two classifiers wrong equally often?

    Only images on which exactly one of them is right say anything about it. If both are equally
    good, either is the right one with probability ½ (McNemar 1947).

    Parameters
    ----------
    predicted_a, predicted_b, truth : int arrays (n,)

    Returns
    -------
    only_a, only_b : int
        Images on which only a, or only b, is right.
    p_value : float
    """
    right_a, right_b = predicted_a == truth, predicted_b == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if only_a + only_b == 0:
        return 0, 0, 1.0
    return only_a, only_b, float(stats.binomtest(only_a, only_a + only_b).pvalue)

"""Intervals and tests, against hand-computed values and SciPy, and on input that has no answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.statistics import mcnemar, mean_difference

numbers = st.floats(-1e6, 1e6)


def test_mean_difference_is_that_of_students_t_test():
    first, second = np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0])
    mean, low, high = mean_difference(first, second)
    half = 4.302653 * np.std([2, 3, 1], ddof=1) / np.sqrt(3)  # t at 97.5 %, 2 degrees of freedom
    assert (mean, low, high) == pytest.approx((2, 2 - half, 2 + half))


def test_equal_differences_have_an_interval_of_no_length():
    assert mean_difference([2.0, 3.0], [1.0, 2.0]) == (1, 1, 1)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_an_interval_contains_the_mean_and_turns_with_its_arguments(pairs, confidence):
    first, second = np.array(pairs).T
    mean, low, high = mean_difference(first, second, confidence)
    assert mean == np.mean(first - second) and low <= mean <= high
    np.testing.assert_allclose(mean_difference(second, first, confidence), (-mean, -high, -low))


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 2), min_size=2, max_size=20))
def test_small_integers_do_not_wrap_around(pairs):
    first, second = np.array(pairs).T
    small = mean_difference(first.astype(np.uint8), second.astype(np.uint8))
    assert small == mean_difference(first.astype(float), second.astype(float))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1.0], [2.0], r"\(1,\) and \(1,\).*at least two seeds"),
        ([], [], "at least two seeds"),
        ([1.0, 2.0], [3.0], r"\(2,\) and \(1,\), expected two of the same length"),
        ([[1.0, 2.0]], [[3.0, 4.0]], r"\(1, 2\)"),
        ([1.0, np.nan, 3.0], [1.0, 2.0, 4.0], "not finite.*diverged"),
        ([1.0, 2.0], [1.0, np.inf], "not finite"),
    ],
)
def test_differences_that_have_no_interval_are_refused(first, second, words):
    with pytest.raises(ValueError, match=words):
        mean_difference(first, second)


@pytest.mark.parametrize("confidence", [0, 1, 95, np.nan])
def test_a_confidence_is_between_0_and_1(confidence):
    with pytest.raises(ValueError, match=f"confidence is {confidence}"):
        mean_difference([1.0, 2.0], [2.0, 4.0], confidence)


def test_mcnemar_counts_the_images_on_which_one_is_right():
    truth = np.zeros(12, int)
    a, b = truth.copy(), truth.copy()
    a[:8] = 1  # wrong on eight, of which b is right on seven
    b[7:9] = 1
    only_a, only_b, p_value = mcnemar(a, b, truth)
    assert (only_a, only_b) == (1, 7)
    assert p_value == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar(a, a, truth) == (0, 0, 1.0)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=50))
def test_mcnemar_is_the_binomial_test_of_the_images_on_which_one_is_right(classes):
    a, b, truth = np.array(classes).T
    only_a, only_b, p_value = mcnemar(a, b, truth)
    assert only_a == sum(x == t != y for x, y, t in classes)
    assert only_b == sum(y == t != x for x, y, t in classes)
    half = stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)  # two-sided: both tails
    assert p_value == pytest.approx(min(1, 2 * half))
    assert mcnemar(b, a, truth) == (only_b, only_a, pytest.approx(p_value))


def test_mcnemar_goes_by_position_not_by_the_index_of_a_series():
    a, b, truth = pd.Series([0, 1], [5, 6]), pd.Series([1, 1], [6, 7]), [0, 1]
    assert mcnemar(a, b, truth)[:2] == (1, 0)


@pytest.mark.parametrize(
    ("a", "b", "truth"),
    [
        (np.eye(3), np.eye(3), np.eye(3)),
        (pd.DataFrame({"class": [0, 1]}), [0, 1], [0, 1]),
        ([0, 1], [0, 1, 2], [0, 1]),
        (0, 0, 0),
    ],
)
def test_mcnemar_wants_one_class_for_each_image(a, b, truth):
    with pytest.raises(ValueError, match=r"a class for each image.*argmax"):
        mcnemar(a, b, truth)

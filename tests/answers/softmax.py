"""Answers to `checks.softmax`."""

import numpy as np
from scipy.special import logsumexp

from answers.answer import correct, mutant


def right_softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@mutant("softmax", "maximum not subtracted")
def formula_as_it_stands(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@mutant("softmax", "maximum not subtracted")
def formula_as_it_stands_in_loops(logits):
    P = np.zeros(logits.shape)
    for i in range(len(logits)):
        total = sum(np.exp(z) for z in logits[i])
        for k in range(logits.shape[1]):
            P[i, k] = np.exp(logits[i, k]) / total
    return P


@mutant("softmax", "maximum not subtracted")
def powers_of_e(logits):
    powers = np.e**logits
    return (powers.T / powers.sum(axis=1)).T


@mutant("softmax", "maximum not subtracted")
def minimum_subtracted(logits):
    powers = np.exp(logits - logits.min(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "normalized over the wrong axis")
def columns_sum_to_one(logits):
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


@mutant("softmax", "normalized over the wrong axis")
def rows_shifted_and_columns_summed(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


@mutant("softmax", "normalized over the wrong axis")
def everything_sums_to_one(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@mutant("softmax", "keepdims missing")
def axis_not_kept(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1)


@mutant("softmax", "updated in place")
def maximum_subtracted_in_place(logits):
    logits -= logits.max(axis=1, keepdims=True)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@mutant("softmax", "updated in place")
def exponentials_over_the_logits(logits):
    for row in logits:
        row[:] = np.exp(row - row.max())
        row /= row.sum()
    return logits


@mutant("softmax", "one maximum for all rows")
def maximum_of_each_column(logits):
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "logits clipped")
def logits_clipped(logits):
    powers = np.exp(np.clip(logits, -500, 500))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "not normalized")
def not_normalized(logits):
    return np.exp(logits - logits.max(axis=1, keepdims=True))


@mutant("softmax", "logarithms returned")
def logarithms_of_the_probabilities(logits):
    return logits - logsumexp(logits, axis=1, keepdims=True)


@mutant("softmax", "sigmoid in place of softmax")
def sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits))


@correct("softmax")
def maximum_of_each_row(logits):
    return right_softmax(logits)


@correct("softmax")
def row_by_row(logits, axis=1):
    P = np.empty_like(logits)
    for i, z in enumerate(logits):
        shifted = [value - max(z) for value in z]
        total = sum(np.exp(value) for value in shifted)
        P[i] = [np.exp(value) / total for value in shifted]
    return P


@correct("softmax")
def by_log_sum_exp(logits):
    return np.exp(logits - logsumexp(logits, axis=-1)[:, np.newaxis])


@correct("softmax")
def by_pairs_of_logits(logits):
    with np.errstate(over="ignore"):
        return 1 / np.exp(logits[:, None, :] - logits[:, :, None]).sum(axis=2)


@correct("softmax")
def softmax_by_einsum(logits):
    powers = np.exp(logits - np.amax(logits, 1)[:, None])
    return np.einsum("nk,n->nk", powers, 1 / np.einsum("nk->n", powers))


@correct("softmax")
def softmax_in_float32(logits):
    return right_softmax(logits.astype(np.float32))


@correct("softmax")
def softmax_in_float64(logits):
    return right_softmax(np.array(logits, dtype=np.float64))


@correct("softmax")
def in_place_on_a_copy(logits):
    logits = logits.copy()
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


@mutant("softmax", "one maximum for all rows")
def largest_of_all_subtracted(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "keepdims missing", "raised")
def maxima_not_kept(logits):
    powers = np.exp(logits - np.max(logits, axis=1))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "transposed")
def a_column_for_each_image(logits):
    return right_softmax(logits).T


@mutant("softmax", "another base than e")
def powers_of_two(logits):
    powers = 2 ** (logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@mutant("softmax", "asks for input")
def asking(logits):
    return right_softmax(logits * float(input("temperature? ")))


@mutant("softmax", "raised")
def raising_in_compiled_code(logits):
    np.random.default_rng(0).choice(3, size=5, replace=False)
    return right_softmax(logits)


@mutant("softmax", "normalized over the wrong axis; transposed")
def columns_normalized_and_transposed(logits):
    powers = np.exp(logits - logits.max(axis=0))
    return (powers / powers.sum(axis=0)).T


@mutant("softmax")
def probabilities_rounded(logits):
    return right_softmax(logits).round(1)

"""Answers to `checks.minibatches`."""

import numpy as np

from answers.answer import correct, mutant


def slices(order, batch_size):
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


@mutant("minibatches", "no reshuffling")
def order_of_the_file(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield np.arange(start, min(start + batch_size, num_examples))


@mutant("minibatches", "no reshuffling")
def permutation_thrown_away(num_examples, batch_size, rng):
    order = np.arange(num_examples)
    rng.permutation(order)
    yield from slices(order, batch_size)


@mutant("minibatches", "no reshuffling")
def ranges_in_a_list(num_examples, batch_size, rng):
    return slices(list(range(num_examples)), batch_size)


@mutant("minibatches", "same permutation every epoch")
def generator_made_inside(num_examples, batch_size, rng):
    rng = np.random.default_rng(0)
    yield from slices(rng.permutation(num_examples), batch_size)


@mutant("minibatches", "same permutation every epoch")
def global_seed_set_inside(num_examples, batch_size, rng):
    np.random.seed(42)  # noqa: NPY002 - as many courses teach it
    order = np.arange(num_examples)
    np.random.shuffle(order)  # noqa: NPY002
    yield from slices(order, batch_size)


@mutant("minibatches", "same permutation every epoch")
def permutation_kept(num_examples, batch_size, rng, known={}):  # noqa: B006 - that is the mistake
    if num_examples not in known:
        known[num_examples] = np.random.default_rng(1).permutation(num_examples)
    return slices(known[num_examples], batch_size)


@mutant("minibatches", "sampling with replacement")
def integers_for_each_minibatch(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield rng.integers(num_examples, size=min(batch_size, num_examples - start))


@mutant("minibatches", "sampling with replacement")
def choice_with_its_default(num_examples, batch_size, rng):
    for _ in range(num_examples // batch_size):
        yield rng.choice(num_examples, batch_size)


@mutant("minibatches", "sampling with replacement")
def an_epoch_of_integers(num_examples, batch_size, rng):
    yield from slices(rng.integers(0, num_examples, num_examples), batch_size)


@mutant("minibatches", "sampling with replacement")
def without_replacement_within_a_minibatch_only(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        size = min(batch_size, num_examples - start)
        yield rng.choice(num_examples, size, replace=False)


@mutant("minibatches", "sampling with replacement")
def a_new_permutation_for_each_minibatch(num_examples, batch_size, rng):
    for start in range(0, num_examples, batch_size):
        yield rng.permutation(num_examples)[start : start + batch_size]


@mutant("minibatches", "last minibatch dropped")
def whole_minibatches_only(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        yield order[i * batch_size : (i + 1) * batch_size]


@mutant("minibatches", "last minibatch dropped")
def rest_cut_off_and_reshaped(num_examples, batch_size, rng):
    whole = num_examples // batch_size * batch_size
    return rng.permutation(num_examples)[:whole].reshape(-1, batch_size)


@mutant("minibatches", "last minibatch dropped")
def stops_at_the_short_one(num_examples, batch_size, rng):
    for batch in slices(rng.permutation(num_examples), batch_size):
        if len(batch) < batch_size:
            break
        yield batch


@mutant("minibatches", "row numbers counted from 1")
def positions_from_one(num_examples, batch_size, rng):
    yield from slices(rng.permutation(num_examples) + 1, batch_size)


@mutant("minibatches", "row numbers are no integers")
def floats_that_cannot_be_indices(num_examples, batch_size, rng):
    yield from slices(rng.permutation(num_examples).astype(float), batch_size)


@mutant("minibatches", "minibatches of another size")
def the_whole_epoch_at_once(num_examples, batch_size, rng):
    yield rng.permutation(num_examples)


@mutant("minibatches", "row numbers one at a time")
def one_index_at_a_time(num_examples, batch_size, rng):
    yield from rng.permutation(num_examples)


@mutant("minibatches", "sampling with replacement")
def overlapping_minibatches(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for start in range(0, num_examples, batch_size):
        yield order[start : start + batch_size + 1]


@mutant("minibatches", "minibatches of another size")
def as_many_minibatches_as_their_size(num_examples, batch_size, rng):
    yield from np.array_split(rng.permutation(num_examples), batch_size)


@mutant("minibatches", "minibatches of another size")
def an_empty_one_where_the_size_divides(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size + 1):
        yield order[i * batch_size : (i + 1) * batch_size]


@mutant("minibatches", "sampling with replacement")
def all_again_where_the_size_divides(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        yield order[i * batch_size : (i + 1) * batch_size]
    yield order[-(num_examples % batch_size) :]


@mutant("minibatches", "raised")
def no_minibatch_larger_than_the_data(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for i in range(num_examples // batch_size):
        last = (i + 1) * batch_size
        yield order[i * batch_size : last]
    if last < num_examples:
        yield order[last:]


@correct("minibatches")
class CalledLikeAFunction:
    """Not a function, but it is called like one, and gives minibatches."""

    def __init__(self, num_examples, batch_size, rng):
        self.order, self.batch_size = rng.permutation(num_examples), batch_size

    def __iter__(self):
        for start in range(0, len(self.order), self.batch_size):
            yield self.order[start : start + self.batch_size]


@correct("minibatches")
def one_array_refilled(num_examples, batch_size, rng):
    order, place = rng.permutation(num_examples), np.empty(batch_size, int)
    for start in range(0, num_examples, batch_size):
        batch = order[start : start + batch_size]
        place[: len(batch)] = batch
        yield place[: len(batch)]


@correct("minibatches")
def slices_of_a_permutation(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    for start in range(0, num_examples, batch_size):
        yield order[start : start + batch_size]


@correct("minibatches")
def shuffled_in_place(num_examples, batch_size, rng, shuffle=True):
    order = np.arange(num_examples)
    if shuffle:
        rng.shuffle(order)
    for i in range(int(np.ceil(num_examples / batch_size))):
        yield order[i * batch_size : (i + 1) * batch_size]


@correct("minibatches")
def lists_of_python_integers(num_examples, batch_size, rng):
    return slices(rng.permutation(num_examples).tolist(), batch_size)


@correct("minibatches")
def backwards(num_examples, batch_size, rng):
    return reversed(slices(rng.permutation(num_examples), batch_size))


@correct("minibatches")
def short_one_first(num_examples, batch_size, rng):
    order = rng.permutation(num_examples)
    first = num_examples % batch_size
    if first:
        yield order[:first]
    for start in range(first, num_examples, batch_size):
        yield order[start : start + batch_size]


@correct("minibatches")
def sorted_by_length(num_examples, batch_size, rng):
    yield from sorted(slices(rng.permutation(num_examples), batch_size), key=len)


@correct("minibatches")
def sorted_within(num_examples, batch_size, rng):
    yield from map(sorted, slices(rng.permutation(num_examples), batch_size))


@correct("minibatches")
def split_at_multiples(num_examples, batch_size, rng):
    order = rng.choice(num_examples, num_examples, replace=False)
    return np.split(order, range(batch_size, num_examples, batch_size))


@correct("minibatches")
def order_of_random_keys(num_examples, batch_size, rng):
    order = np.argsort(rng.random(num_examples)).astype(np.int32)
    return tuple(slices(order, batch_size))


@correct("minibatches")
def drawn_one_after_the_other(num_examples, batch_size, rng):
    left = list(range(num_examples))
    while left:
        size = min(batch_size, len(left))
        yield [left.pop(rng.integers(len(left))) for _ in range(size)]


@mutant("minibatches", "sampling with replacement")
def choice_without_replacement_each_time(num_examples, batch_size, rng):
    for _ in range(-(-num_examples // batch_size)):
        yield rng.choice(num_examples, batch_size, replace=False)

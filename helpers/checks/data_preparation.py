"""Q1, data preparation."""

import tracemalloc

import numpy as np

from helpers.checks.attempts import call, name_of
from helpers.checks.diagnosis import (
    IN_PLACE,
    agree,
    difference,
    explanation,
    fail,
    passed,
    results,
)
from helpers.checks.display import advise
from helpers.checks.mistakes import data_preparation as mistakes
from helpers.support.frameworks import torch_import


def preprocess_data(function):
    """Check `function(data)`, which returns X (n, 784) and one-hot Y (n, 10).

    Images that are float64 in the end or on the way are right, but get a line of advice: they take
    more memory than needed.
    """
    labels = np.array([5, 0, 4, 1, 9, 2, 1, 3, 6, 7, 8, 1])  # all digits, not equally often
    images = np.random.default_rng(0).integers(256, size=(12, 28, 28)).astype(np.uint8)
    images[0].flat[:256] = range(256)
    data_set = torchvision_data_set(images, labels)
    X, Y = results(function, [data_set], ["X", "Y"])
    for before, after in (images, data_set.data), (labels, data_set.targets):
        if not np.array_equal(before.ravel(), np.ravel(after)):
            given, afterwards = difference("", np.ravel(after), before.ravel()).values()
            fail(function, IN_PLACE, {"given": given, "afterwards": afterwards})
    if X.ndim and X.shape[:1] == Y.shape[:1] != images.shape[:1]:
        shown = {"images": len(images), "expected X": (len(images), 784), "got X": X.shape}
        fail(function, mistakes.OTHER_DATA, shown)
    if agree(X, np.eye(10)[labels]):
        fail(function, mistakes.SWAPPED, {"expected X": (12, 784), "got X": X.shape})
    _check_order(function, X, Y, images, labels)
    _check_labels(function, Y, labels)
    _check_pixels(function, X, images)
    passed(function)
    _advise_on_float64(function)


def torchvision_data_set(images, labels):
    """A data set of torchvision's own kind.

    Parameters
    ----------
    images : uint8 array (n, 28, 28)
    labels : int array (n,)
    """
    with torch_import():
        import torch
        from torchvision import datasets, transforms
    tiny = datasets.MNIST.__new__(datasets.MNIST)  # without reading files
    tiny.data, tiny.targets = torch.tensor(images), torch.tensor(labels)
    tiny.transform, tiny.target_transform = transforms.ToTensor(), None
    tiny.root, tiny.train, tiny.transforms = "data", True, None  # of which print(data) speaks
    return tiny


def _check_order(function, X, Y, images, labels):
    """Whether all rows are right by themselves, but not at the same place in X and Y."""
    expected_Y = np.eye(10)[labels]
    order = _order(X, mistakes.pixels_formula(images))
    if not order or Y.shape != expected_Y.shape:
        return
    if not agree(sorted(Y.tolist()), sorted(expected_Y.tolist())):
        return
    for row, example in enumerate(order):
        if not agree(Y[row], expected_Y[example]):
            shown = {
                f"row {row} of X": f"an image of {labels[example]}",
                f"expected row {row} of Y": expected_Y[example],
                f"got row {row} of Y": Y[row],
            }
            fail(function, mistakes.REORDERED, shown)


def _check_labels(function, Y, labels):
    expected = mistakes.labels_formula(labels)
    if not agree(Y, expected):
        mistake = explanation(mistakes.labels_formula, mistakes.LABELS, [([labels], [Y])])
        fail(function, mistake, {"labels": labels, **difference("Y", Y, expected)})


def _check_pixels(function, X, images):
    expected = mistakes.pixels_formula(images)
    if agree(X, expected):
        return
    mistake = explanation(mistakes.pixels_formula, mistakes.PIXELS, [([images], [X])])
    shown = {"images": images.shape, "expected X": expected.shape, "got X": X.shape}
    if X.shape == expected.shape:
        pixels = images.reshape(expected.shape)
        at = np.nanargmax(np.abs(X - expected))
        falls = np.flatnonzero(np.diff(X[0, :256]) < 0)  # of the pixels 0, 1, … 255
        if mistake is None and agree(np.sort(X, axis=None), np.sort(expected, axis=None)):
            mistake = mistakes.MIXED_UP
        elif mistake is None and len(falls) and _depends_on_pixel_alone(X, pixels):
            mistake, at = mistakes.OVERFLOW, falls[0] + 1
        shown = {"pixel": pixels.flat[at], "expected": expected.flat[at], "got": X.flat[at]}
    fail(function, mistake, shown)


def _depends_on_pixel_alone(X, pixels):
    """Whether pixels that are equal in the images are equal in X."""
    return all(np.ptp(X[pixels == value]) < 1e-6 for value in range(256))


def _order(found, expected):
    """Which expected row each row is; None if the rows are others."""
    if found.shape != expected.shape:
        return None
    order = [[agree(row, other) for other in expected] for row in found]
    order = [each.index(True) for each in order if any(each)]
    return order if sorted(order) == list(range(len(expected))) else None


def _advise_on_float64(function):
    """Say if the images, 4 bytes a pixel, take the memory of a float64 copy besides."""
    images = np.random.default_rng(0).integers(256, size=(500, 28, 28)).astype(np.uint8)
    data_set = torchvision_data_set(images, np.arange(500) % 10)
    tracemalloc.start()
    try:
        X = call(function, data_set)[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    is_float64 = str(getattr(X, "dtype", "")).endswith("float64")  # NumPy's or PyTorch's
    if is_float64 or peak > 10.5 * images.size:
        advise(
            f"{name_of(function)} makes float64 copies of the images: of all 60,000 that is 376 MB "
            "for nothing. Divide by np.float32(255) with dtype=np.float32."
        )

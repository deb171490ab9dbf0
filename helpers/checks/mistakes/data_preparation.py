"""Q1: pixels and labels with what people get wrong in them, and the mistakes."""

import numpy as np

from helpers.checks.diagnosis import Mistake


def rows(images):
    return images.reshape(len(images), -1)


def pixels_formula(images, scale=lambda images: images / 255, arrange=rows):
    """X of images (n, 28, 28); `scale` gets them as rows."""
    return arrange(scale(rows(images).astype(float)).reshape(images.shape))


def labels_formula(labels, one_hot=lambda labels: np.eye(10)[labels]):
    """Y of labels (n,)."""
    return one_hot(labels)


def _standardized(of, axis=None):
    return lambda images: (images - images.mean(axis, keepdims=True)) / of(images, axis)


def _spread(images, axis):
    return images.std(axis, keepdims=True)


LABELS = (
    Mistake(
        "one-hot off by one",
        "Label k has its 1 in column k, counted from 0.",
        (
            {"one_hot": lambda labels: np.eye(10)[labels - 1]},
            {"one_hot": lambda labels: np.eye(10)[(labels + 1) % 10]},
            {"one_hot": lambda labels: np.eye(11)[labels][:, 1:]},
            {"one_hot": lambda labels: np.eye(11)[labels + 1]},
            {"one_hot": lambda labels: np.eye(11)[labels + 1][:, :10]},
        ),
    ),
    Mistake(
        "one-hot transposed",
        "Y has a row for each image and a column for each class.",
        ({"one_hot": lambda labels: np.eye(10)[labels].T},),
    ),
    Mistake(
        "labels not one-hot",
        "Y has ten columns, with a single 1 in each row.",
        (
            {"one_hot": lambda labels: labels},
            {"one_hot": lambda labels: labels[:, None]},
            {"one_hot": lambda labels: labels[:, None] * np.ones(10)},
            {"one_hot": lambda labels: labels[:, None] * np.eye(10)[labels]},
        ),
    ),
    Mistake(
        "more or fewer columns than classes",
        "Y has ten columns, one for each digit.",
        tuple({"one_hot": lambda labels, k=k: np.eye(k)[labels]} for k in (11, 12, 784)),
    ),
    Mistake(
        "0 and 1 exchanged",
        "The class has the 1, all others 0.",
        ({"one_hot": lambda labels: 1 - np.eye(10)[labels]},),
    ),
    Mistake(
        "−1 in place of 0",
        "All columns but that of the class are 0.",
        ({"one_hot": lambda labels: 2 * np.eye(10)[labels] - 1},),
    ),
)
PIXELS = (
    Mistake(
        "pixels not scaled",
        "Divide by 255, so that pixels lie in [0, 1].",
        ({"scale": lambda images: images},),
    ),
    Mistake(
        "pixels scaled twice",
        "Divide by 255 once; ToTensor has done so already.",
        ({"scale": lambda images: images / 255 / 255},),
    ),
    Mistake(
        "divided as integers",
        "`//` and integer types keep nothing between 0 and 1: divide in float32.",
        ({"scale": lambda images: images // 255},),
    ),
    Mistake(
        "divided by 256", "The largest pixel is 255.", ({"scale": lambda images: images / 256},)
    ),
    Mistake("ink inverted", "0 is paper, 1 is ink.", ({"scale": lambda images: 1 - images / 255},)),
    Mistake(
        "pixels standardized",
        "Pixels are to lie in [0, 1]: divide by 255, and no more.",
        (
            {"scale": lambda images: (images / 255 - 0.1307) / 0.3081},
            {"scale": lambda images: (images / 255 - 0.5) / 0.5},
            {"scale": lambda images: images / 255 - 0.5},
            {"scale": lambda images: (images - 128) / 128},
            {"scale": lambda images: (images - 128) / 255},
            *(
                {"scale": _standardized(of, axis)}
                for of in (_spread, lambda images, axis: 255)
                for axis in (None, 0, 1)
            ),
            {"scale": _standardized(lambda images, axis: 1)},
            {"scale": lambda images: _standardized(_spread)(images) * (1 - 1e-4)},
        ),
    ),
    Mistake(
        "images normalized one by one",
        "All pixels are divided by the same number, 255: an image keeps its strength.",
        (
            {"scale": lambda images: images / np.linalg.norm(images, axis=1, keepdims=True)},
            {"scale": lambda images: images / images.sum(axis=1, keepdims=True)},
            {"scale": lambda images: images / images.max(axis=1, keepdims=True)},
            {"scale": lambda images: images / images.mean(axis=1, keepdims=True)},
        ),
    ),
    Mistake(
        "pixels normalized one by one",
        "All pixels are divided by the same number, 255, wherever they are in the image.",
        (
            {"scale": lambda images: images / np.linalg.norm(images, axis=0)},
            {"scale": lambda images: images / images.max(axis=0)},
            {"scale": lambda images: images / images.sum(axis=0)},
            {"scale": lambda images: (images - images.min(0)) / np.ptp(images, 0)},
        ),
    ),
    Mistake(
        "black and white only",
        "A pixel between paper and ink keeps its gray: divide by 255.",
        tuple({"scale": lambda images, t=t: (images > t) * 1.0} for t in (0, 127, 127.5, 128)),
    ),
    Mistake(
        "rows and columns of the images exchanged",
        "Pixels come row by row: reshape(len(images), -1).",
        ({"arrange": lambda images: rows(images.transpose(0, 2, 1))},),
    ),
    Mistake(
        "images not flattened",
        "X has one row of 784 pixels for each image: reshape(len(images), -1).",
        (
            {"arrange": lambda images: images},
            {"arrange": lambda images: images[:, None]},
            {"arrange": lambda images: images[..., None]},
            {"arrange": np.ravel},
        ),
    ),
    Mistake(
        "transposed",
        "X has a row for each image.",
        ({"arrange": lambda images: rows(images).T},),
    ),
)
REORDERED = Mistake(
    "images reordered against labels",
    "Row i of X and row i of Y must belong to the same example.",
)
SWAPPED = Mistake("X and Y swapped", "Return the images first: return X, Y.")
OTHER_DATA = Mistake(
    "not the data it is given",
    "Use the argument of the function, not a variable of the notebook.",
)
MIXED_UP = Mistake(
    "pixels mixed up",
    "Each row of X holds the pixels of one image, row by row: reshape(len(images), -1).",
)
OVERFLOW = Mistake(
    "uint8 overflow",
    "uint8 numbers wrap around at 256: convert to float32 before any other arithmetic.",
)

